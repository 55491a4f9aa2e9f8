"""Trains a published encoder with a new head, exports both to ONNX, and says how good it is: train_head.py PARTS, as JSON (see main)."""

import csv
import json
import os
import random
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # everything is in the cache

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertForTokenClassification

SEED = 1
BATCH = 32
IGNORED = -100
TABLE = dict(delimiter="\t", quoting=csv.QUOTE_NONE)


def weights_of(path: str, layers: int) -> dict[str, torch.Tensor]:
    """The weights of BERT in an ONNX file that optimum has exported: names are kept, but matrices of products are called by numbers."""
    graph = onnx.load(path).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    state = {name: torch.tensor(value) for name, value in tensors.items() if name.startswith(("embeddings.", "encoder."))}
    # A product is followed by the addition of its bias, whose name says which it is.
    readers = {node.input[i]: node for node in graph.node for i in range(len(node.input))}
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in tensors:
            continue
        addition = readers[node.output[0]]
        (bias,) = (name for name in addition.input if name in tensors)
        state[bias.removesuffix("bias") + "weight"] = torch.tensor(tensors[node.input[1]].T.copy())
    assert sum(name.endswith("query.weight") for name in state) == layers
    return state


def read_sentences(path: Path) -> list[dict]:
    """Sentences in words, each with its tags."""
    blocks = path.read_text().strip().split("\n\n")
    rows = [[line.split("\t") for line in block.split("\n")] for block in blocks]
    return [{"words": [row[0] for row in block], "tags": [row[1] for row in block]} for block in rows]


def read_texts(path: Path) -> list[dict]:
    with path.open() as file:
        return list(csv.DictReader(file, **TABLE))


def encode(rows: list[dict], classes: list[str], task: str, tokenizer) -> tuple[dict, torch.Tensor]:
    number = {name: i for i, name in enumerate(classes)}
    if task == "tags":
        words = [row["words"] for row in rows]
        batch = tokenizer(words, is_split_into_words=True, padding=True, truncation=True, max_length=128, return_tensors="pt")
        labels = torch.full(batch["input_ids"].shape, IGNORED)
        for i, row in enumerate(rows):
            before = None
            for j, word in enumerate(batch.word_ids(i)):
                if word is not None and word != before:  # the first piece of a word is judged
                    labels[i, j] = number[row["tags"][word]]
                before = word
        return dict(batch), labels
    first, second = ("sentence_a", "sentence_b") if task == "pairs" else ("text", None)
    texts = [[row[first] for row in rows]] + ([[row[second] for row in rows]] if second else [])
    batch = tokenizer(*texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
    return dict(batch), torch.tensor([number[row["label"]] for row in rows])


def loss_of(model, inputs: dict, labels: torch.Tensor) -> torch.Tensor:
    logits = model(**inputs).logits
    return cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED)


def train(model, rows: list[dict], classes: list[str], task: str, tokenizer, epochs: int, rate: float) -> None:
    steps = epochs * ((len(rows) + BATCH - 1) // BATCH)
    head = [p for name, p in model.named_parameters() if name.startswith("classifier")]
    body = [p for name, p in model.named_parameters() if not name.startswith("classifier")]
    groups = [{"params": body, "lr": rate}, {"params": head, "lr": 10 * rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    warm = max(1, steps // 10)
    plan = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: min((i + 1) / warm, (steps - i) / (steps - warm)))
    order = list(range(len(rows)))
    model.train()
    for epoch in range(epochs):
        random.shuffle(order)
        total = 0.0
        for start in range(0, len(order), BATCH):
            inputs, labels = encode([rows[i] for i in order[start : start + BATCH]], classes, task, tokenizer)
            loss = loss_of(model, inputs, labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            plan.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch + 1} of {epochs}: cross-entropy {total / len(order):.3f}", file=sys.stderr, flush=True)


@torch.inference_mode()
def accuracy(model, rows: list[dict], classes: list[str], task: str, tokenizer) -> float:
    model.eval()
    right = judged = 0
    for start in range(0, len(rows), BATCH):
        inputs, labels = encode(rows[start : start + BATCH], classes, task, tokenizer)
        chosen = model(**inputs).logits.argmax(-1)
        right += int((chosen == labels).sum())
        judged += int((labels != IGNORED).sum())
    return right / judged


def main(base: str, data: str, out: str, task: str, epochs: int, rate: float) -> None:
    """
    base: folder of the encoder; data: folder of train.tsv and test.tsv; task: texts, pairs or tags. Classes are read from the class token
    through a new pooler, tags from each token.
    """
    from optimum.exporters.onnx import main_export

    torch.set_num_threads(1)
    random.seed(SEED), np.random.seed(SEED), torch.manual_seed(SEED)
    read = read_sentences if task == "tags" else read_texts
    rows, tests = (read(Path(data) / f"{name}.tsv") for name in ("train", "test"))
    tags = [tag for row in rows for tag in row["tags"]] if task == "tags" else [row["label"] for row in rows]
    classes = sorted(set(tags))
    names = dict(id2label=dict(enumerate(classes)), label2id={name: i for i, name in enumerate(classes)})
    config = BertConfig.from_pretrained(base, num_labels=len(classes), **names)
    kind = BertForTokenClassification if task == "tags" else BertForSequenceClassification
    model = kind(config)
    missing, unexpected = model.bert.load_state_dict(weights_of(f"{base}/model.onnx", config.num_hidden_layers), strict=False)
    left = [name for name in missing if "position_ids" not in name and not name.startswith("pooler.")]
    assert not left and not unexpected, (left, unexpected)
    tokenizer = AutoTokenizer.from_pretrained(base)
    train(model, rows, classes, task, tokenizer, epochs, rate)
    print(f"accuracy on the test part: {100 * accuracy(model, tests, classes, task, tokenizer):.1f} %", file=sys.stderr)
    weights = Path(out) / "weights"
    model.save_pretrained(weights)
    tokenizer.save_pretrained(weights)
    exported = "token-classification" if task == "tags" else "text-classification"
    main_export(str(weights), output=out, task=exported, library_name="transformers", device="cpu")
    for path in weights.iterdir():
        path.unlink()
    weights.rmdir()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))

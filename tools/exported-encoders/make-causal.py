"""Makes two fixtures, causal encoders as torch writes them, with runs in which PyTorch really removes tokens: qwen3-embedding-ts17, whose states
are pooled outside, and gpt-neo-cls-ts17, whose head reads the last token, and whose layers cut their masks out of a table.

Needs torch 2.13, transformers 5, onnx, onnxruntime:
  python make-causal.py fixtures
"""
import collections
import json
import os
import sys

import numpy
import onnx
import onnxruntime
import torch
import transformers as t
from onnx import numpy_helper

INPUTS = ["input_ids", "attention_mask"]


class Exported(torch.nn.Module):
    """The model with one output, which `output` names."""

    def __init__(self, model, output):
        super().__init__()
        self.model, self.output = model, output

    def forward(self, input_ids, attention_mask):
        return getattr(self.model(input_ids=input_ids, attention_mask=attention_mask), self.output)


def seeing(place, attended):
    return (place.unsqueeze(2) >= place.unsqueeze(1)) & attended.unsqueeze(1)


def softmax(scores, sees):
    return (scores + torch.where(sees, 0.0, torch.finfo(torch.float32).min).unsqueeze(1)).softmax(-1)


def merged(attention, value, x):
    return (attention @ value).transpose(1, 2).reshape(x.shape)


class Qwen3:
    """Each family says how its layers attend, with the tokens at `place` [b,n] alone."""

    name, architecture, output, pooling, axes = "qwen3-embedding-ts17", "qwen3", "last_hidden_state", "none", {0: "batch", 1: "sequence"}
    position, kind, spread = "rotary", "token-level", 0.3

    def __init__(self):
        self.config = t.Qwen3Config(
            vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, max_position_embeddings=64, use_cache=False,
        )
        self.config._attn_implementation = "eager"
        self.model = self.whole = t.Qwen3Model(self.config)
        self.layers = self.model.layers

    def embed(self, words, place):
        return self.model.embed_tokens(words)

    def attend(self, layer, x, place, sees):
        own = layer.self_attn
        normed = layer.input_layernorm(x)
        split = lambda projection: projection(normed).view(*x.shape[:2], -1, self.config.head_dim)
        query, key = own.q_norm(split(own.q_proj)).transpose(1, 2), own.k_norm(split(own.k_proj)).transpose(1, 2)
        value = split(own.v_proj).transpose(1, 2)
        cos, sin = (each.unsqueeze(1) for each in self.model.rotary_emb(x, place))
        half = key.shape[-1] // 2
        rotated = lambda x: x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin
        groups = self.config.num_attention_heads // self.config.num_key_value_heads
        key, value = rotated(key).repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        attention = softmax(rotated(query) @ key.transpose(2, 3) * own.scaling, sees)
        return attention, x + own.o_proj(merged(attention, value, x))

    def feed(self, layer, x):
        return x + layer.mlp(layer.post_attention_layernorm(x))

    def answer(self, x, last):
        return self.model.norm(x)


class GptNeo:
    """The last layer sees a window of four positions; kept tokens keep theirs. Products are not divided by the square root of the head size."""

    name, architecture, output, pooling, axes = "gpt-neo-cls-ts17", "gpt-neo", "logits", "last-by-ids", {0: "batch"}
    position, kind, spread, window = "absolute", "pooled", 0.12, 4

    def __init__(self):
        self.config = t.GPTNeoConfig(
            vocab_size=96, hidden_size=32, intermediate_size=48, num_layers=3, num_heads=4, window_size=self.window,
            attention_types=[[["global", "global", "local"], 1]], max_position_embeddings=32, pad_token_id=0, use_cache=False,
        )
        self.config._attn_implementation, self.config.num_labels = "eager", 3
        self.whole = t.GPTNeoForSequenceClassification(self.config)
        self.model = self.whole.transformer
        self.layers = self.model.h

    def embed(self, words, place):
        return self.model.wte(words) + self.model.wpe(place)

    def attend(self, layer, x, place, sees):
        own = layer.attn.attention
        normed = layer.ln_1(x)
        query, key, value = (
            projection(normed).view(*x.shape[:2], own.num_heads, -1).transpose(1, 2) for projection in (own.q_proj, own.k_proj, own.v_proj)
        )
        if own.attention_type == "local":
            sees = sees & (place.unsqueeze(2) - place.unsqueeze(1) < self.window)
        attention = softmax(query @ key.transpose(2, 3), sees)
        return attention, x + own.out_proj(merged(attention, value, x))

    def feed(self, layer, x):
        return x + layer.mlp(layer.ln_2(x))

    def answer(self, x, last):
        return self.whole.score(self.model.ln_f(x)[torch.arange(len(x)), last])


def inputs(side):
    """Three texts of 12, 12 and 8 tokens."""
    words = torch.randint(3, 96, (3, 12), generator=torch.Generator().manual_seed(5))
    mask = torch.ones(3, 12, dtype=torch.long)
    padding = slice(0, 4) if side == "left" else slice(8, 12)
    mask[2, padding] = 0
    words[2, padding] = 0
    return words, mask


@torch.no_grad()
def run(family, words, mask, keep, score=None):
    """The kept tokens by layer, the answer, and the least distance between a kept and a pruned score."""
    batch = words.shape[0]
    place = torch.arange(words.shape[1]).expand(batch, -1)
    x = family.embed(words, place)
    attended = mask.bool()
    last = torch.where(attended, place, -1).argmax(1)
    kept, gap = {}, float("inf")
    for number, layer in enumerate(family.layers):
        sees = seeing(place, attended)
        attention, x = family.attend(layer, x, place, sees)
        if number in keep:
            if score == "cls":
                importance = attention.mean(1)[torch.arange(batch), last]
            else:
                real = attended.float()
                seen_by = (sees & attended.unsqueeze(2)).sum(1).clamp(min=1)
                importance = (attention.mean(1) * real.unsqueeze(2)).sum(1) / seen_by
            importance = importance.masked_fill(~attended, -1)
            importance[torch.arange(batch), last] = 2
            order = importance.sort(dim=1, descending=True, stable=True)
            pairs = zip(order.values, order.values[:, keep[number] - 1], order.values[:, keep[number]])
            gap = min([gap, *((a - b).item() for _, a, b in pairs if b >= 0)])
            chosen = order.indices[:, : keep[number]].sort(1).values
            take = lambda each: each.gather(1, chosen)
            x = x.gather(1, chosen.unsqueeze(2).expand(-1, -1, x.shape[2]))
            place, attended = take(place), take(attended)
            last = torch.where(attended, torch.arange(keep[number]), -1).argmax(1)
            kept[str(number)] = place.tolist()
        x = family.feed(layer, x)
    return kept, family.answer(x, last), gap


def write_set(folder, feeds, outputs):
    os.makedirs(folder, exist_ok=True)
    for kind, values in (("input", feeds), ("output", outputs)):
        for number, (name, value) in enumerate(values.items()):
            with open(os.path.join(folder, f"{kind}_{number}.pb"), "wb") as file:
                file.write(numpy_helper.from_array(value, name).SerializeToString())


def make(parent, Family):
    torch.manual_seed(0)
    family = Family()
    for parameter in family.whole.eval().parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=family.spread)
    exported = Exported(family.whole, family.output).eval()
    folder = os.path.join(parent, family.name)
    os.makedirs(os.path.join(folder, "pruned"), exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    axes = {0: "batch", 1: "sequence"}
    dynamic = {**{name: axes for name in INPUTS}, family.output: family.axes}
    torch.onnx.export(
        exported, inputs("left"), path, dynamo=False, opset_version=17, input_names=INPUTS, output_names=[family.output], dynamic_axes=dynamic,
    )
    session = onnxruntime.InferenceSession(path)
    furthest, goldens = 0.0, []
    for number, side in enumerate(("left", "right")):
        words, mask = inputs(side)
        feeds = {"input_ids": words.numpy(), "attention_mask": mask.numpy()}
        (states,) = session.run(None, feeds)
        write_set(os.path.join(folder, f"test_data_set_{number}"), feeds, {family.output: states})
        with torch.no_grad():
            expected = exported(words, mask)
        real = mask.bool() if expected.dim() == 3 else slice(None)
        furthest = max(furthest, (torch.from_numpy(states) - expected)[real].abs().max().item())
        assert (run(family, words, mask, {})[1] - expected)[real].abs().max() < 1e-5
        for score in ("cls", "received"):
            keep = {0: 7, 1: 4}
            kept, states, gap = run(family, words, mask, keep, score)
            assert gap > 1e-4, (family.name, side, score, gap)
            rule = {"method": "prune", "score": score, "keep": {str(k): v for k, v in keep.items()}, "protect": [], "restore": False}
            data = [float(f"{value:.8g}") for value in states.flatten().tolist()]
            golden = {
                "fixture": family.name, "case": f"{score}-{side}", "rule": rule, "inputs": f"test_data_set_{number}",
                "scoreGap": round(gap, 6), "kept": kept,
                "outputs": {family.output: {"shape": list(states.shape), "dtype": "float32", "data": data}},
            }
            goldens.append(golden["case"])
            with open(os.path.join(folder, "pruned", f"{golden['case']}.json"), "w") as file:
                json.dump(golden, file)
    facts = {
        "name": family.name, "architecture": family.architecture, "modality": "text",
        "exporter": f"torch.onnx.export(dynamo=False) torch {torch.__version__.split('+')[0]}", "opset": 17,
        "producerOptions": {"do_constant_folding": True, "dynamic_axes": True}, "attnImplementation": "eager",
        "library": f"transformers {t.__version__}", "layers": 3, "hidden": 32, "heads": 4, "headDim": 8, "tokens": 12,
        "clsIndex": None, "pooling": family.pooling, "normPlacement": "pre", "position": family.position, "outputKind": family.kind,
        "maskInput": "attention_mask", "inputs": INPUTS, "outputs": [family.output],
        "dynamicAxes": {name: list(each.values()) for name, each in dynamic.items() if name in INPUTS}, "external": False, "prunable": True,
        "maxDiffTorch": float(f"{furthest:.3g}"),
        "ops": dict(collections.Counter(node.op_type for node in onnx.load(path).graph.node)),
        "goldens": goldens, "notes": "causal; made by make-causal.py",
    }
    with open(os.path.join(folder, "fixture.json"), "w") as file:
        json.dump(facts, file, indent=1)
        file.write("\n")
    print(family.name, facts["maxDiffTorch"], goldens, os.path.getsize(path))


for Family in (Qwen3, GptNeo):
    make(sys.argv[1], Family)

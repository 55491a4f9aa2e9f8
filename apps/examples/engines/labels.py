"""The labels that a pruned file gives to texts: what an engine runs on each machine."""

import json

import numpy as np
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import Tokenizer


class Labels:
    """A model in a folder with its config.json and tokenizer.json, on one thread: the engine starts as many as there are cores."""

    def __init__(self, folder, file="pruned.onnx"):
        with open(f"{folder}/config.json", encoding="utf-8") as text:
            config = json.load(text)
        self.names = np.array([name for _, name in sorted(config["id2label"].items(), key=lambda entry: int(entry[0]))])
        self.pad_id = config.get("pad_token_id") or 0
        self.tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(config["max_position_embeddings"])
        options = SessionOptions()
        options.intra_op_num_threads = 1
        self.session = InferenceSession(f"{folder}/{file}", options, ["CPUExecutionProvider"])

    def of(self, texts, batch=32):
        """Label and probability of each text; those of similar length are run together, so that little is padded."""
        encoded = self.tokenizer.encode_batch(list(texts))
        order = np.argsort([len(each.ids) for each in encoded], kind="stable")
        logits = np.empty((len(encoded), len(self.names)), np.float32)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            for row in rows:
                encoded[row].pad(len(encoded[rows[-1]].ids), pad_id=self.pad_id)
            columns = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
            feeds = {
                each.name: np.array([getattr(encoded[row], columns[each.name]) for row in rows], np.int64)
                for each in self.session.get_inputs()
            }
            logits[rows] = self.session.run(["logits"], feeds)[0]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return self.names[logits.argmax(axis=1)], odds.max(axis=1) / odds.sum(axis=1)

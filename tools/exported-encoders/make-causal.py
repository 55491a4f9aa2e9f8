"""Makes fixtures/qwen3-embedding-ts17: a causal encoder as torch writes it, with runs in which PyTorch really removes tokens.

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

NAME = "qwen3-embedding-ts17"
config = t.Qwen3Config(
    vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, head_dim=8, max_position_embeddings=64, use_cache=False,
)
config._attn_implementation = "eager"
torch.manual_seed(0)
model = t.Qwen3Model(config).eval()
for parameter in model.parameters():
    if parameter.dim() > 1:
        torch.nn.init.normal_(parameter, std=0.3)


class States(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def inputs(side):
    """Three texts of 12, 12 and 8 tokens."""
    words = torch.randint(3, 96, (3, 12), generator=torch.Generator().manual_seed(5))
    mask = torch.ones(3, 12, dtype=torch.long)
    padding = slice(0, 4) if side == "left" else slice(8, 12)
    mask[2, padding] = 0
    words[2, padding] = 0
    return words, mask


def rotated(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


@torch.no_grad()
def run(words, mask, keep, score=None):
    """The kept tokens by layer, their last states [b,k,D], and the least distance between a kept and a pruned score."""
    batch = words.shape[0]
    x = model.embed_tokens(words)
    place = torch.arange(words.shape[1]).expand(batch, -1)
    attended = mask.bool()
    kept, gap = {}, float("inf")
    for number, layer in enumerate(model.layers):
        own = layer.self_attn
        normed = layer.input_layernorm(x)
        split = lambda projection: projection(normed).view(batch, x.shape[1], -1, config.head_dim)
        query, key = own.q_norm(split(own.q_proj)).transpose(1, 2), own.k_norm(split(own.k_proj)).transpose(1, 2)
        value = split(own.v_proj).transpose(1, 2)
        cos, sin = (each.unsqueeze(1) for each in model.rotary_emb(x, place))
        query, key = rotated(query, cos, sin), rotated(key, cos, sin)
        groups = config.num_attention_heads // config.num_key_value_heads
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        sees = (place.unsqueeze(2) >= place.unsqueeze(1)) & attended.unsqueeze(1)
        scores = query @ key.transpose(2, 3) * own.scaling
        scores = scores + torch.where(sees, 0.0, torch.finfo(torch.float32).min).unsqueeze(1)
        attention = scores.softmax(-1)
        context = (attention @ value).transpose(1, 2).reshape(batch, x.shape[1], -1)
        x = x + own.o_proj(context)
        if number in keep:
            last = torch.where(attended, place, -1).argmax(1)
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
            kept[str(number)] = place.tolist()
        x = x + layer.mlp(layer.post_attention_layernorm(x))
    return kept, model.norm(x), gap


def write_set(folder, feeds, outputs):
    os.makedirs(folder, exist_ok=True)
    for kind, values in (("input", feeds), ("output", outputs)):
        for number, (name, value) in enumerate(values.items()):
            with open(os.path.join(folder, f"{kind}_{number}.pb"), "wb") as file:
                file.write(numpy_helper.from_array(value, name).SerializeToString())


def main(parent):
    folder = os.path.join(parent, NAME)
    os.makedirs(os.path.join(folder, "pruned"), exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    axes = {0: "batch", 1: "sequence"}
    names = ["input_ids", "attention_mask"]
    torch.onnx.export(
        States(), inputs("left"), path, dynamo=False, opset_version=17, input_names=names,
        output_names=["last_hidden_state"], dynamic_axes={name: axes for name in [*names, "last_hidden_state"]},
    )
    session = onnxruntime.InferenceSession(path)
    furthest, goldens = 0.0, []
    for number, side in enumerate(("left", "right")):
        words, mask = inputs(side)
        feeds = {"input_ids": words.numpy(), "attention_mask": mask.numpy()}
        (states,) = session.run(None, feeds)
        write_set(os.path.join(folder, f"test_data_set_{number}"), feeds, {"last_hidden_state": states})
        with torch.no_grad():
            expected = States()(words, mask)
        real = mask.bool()
        furthest = max(furthest, (torch.from_numpy(states) - expected)[real].abs().max().item())
        assert (run(words, mask, {})[1] - expected)[real].abs().max() < 1e-5
        for score in ("cls", "received"):
            keep = {0: 7, 1: 4}
            kept, states, gap = run(words, mask, keep, score)
            assert gap > 1e-4, (side, score, gap)
            rule = {"method": "prune", "score": score, "keep": {str(k): v for k, v in keep.items()}, "protect": [], "restore": False}
            data = [float(f"{value:.8g}") for value in states.flatten().tolist()]
            golden = {
                "fixture": NAME, "case": f"{score}-{side}", "rule": rule, "inputs": f"test_data_set_{number}",
                "scoreGap": round(gap, 6), "kept": kept,
                "outputs": {"last_hidden_state": {"shape": list(states.shape), "dtype": "float32", "data": data}},
            }
            goldens.append(golden["case"])
            with open(os.path.join(folder, "pruned", f"{golden['case']}.json"), "w") as file:
                json.dump(golden, file)
    facts = {
        "name": NAME, "architecture": "qwen3", "modality": "text",
        "exporter": f"torch.onnx.export(dynamo=False) torch {torch.__version__.split('+')[0]}", "opset": 17,
        "producerOptions": {"do_constant_folding": True, "dynamic_axes": True}, "attnImplementation": "eager",
        "library": f"transformers {t.__version__}", "layers": 3, "hidden": 32, "heads": 4, "headDim": 8, "tokens": 12,
        "clsIndex": None, "pooling": "none", "normPlacement": "pre", "position": "rotary", "outputKind": "token-level",
        "maskInput": "attention_mask", "inputs": names, "outputs": ["last_hidden_state"],
        "dynamicAxes": {name: list(axes.values()) for name in names}, "external": False, "prunable": True,
        "maxDiffTorch": float(f"{furthest:.3g}"),
        "ops": dict(collections.Counter(node.op_type for node in onnx.load(path).graph.node)),
        "goldens": goldens, "notes": "causal; made by make-causal.py",
    }
    with open(os.path.join(folder, "fixture.json"), "w") as file:
        json.dump(facts, file, indent=1)
        file.write("\n")
    listed = os.path.join(parent, "index.json")
    with open(listed) as file:
        index = json.load(file)
    print(facts["maxDiffTorch"], goldens, type(index).__name__)


main(sys.argv[1])

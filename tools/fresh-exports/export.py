"""Exports the families of families.py as torch does today, with inputs and the answers that onnxruntime gives, in the form of exported-encoders.

  python export.py FOLDER [--only NAME,NAME] [--exporters ts17,dy20]

ts: TorchScript (dynamo=False), dy: dynamo; the number is the opset. What is there already is not exported again. `node
tools/fresh-exports/check.mjs FOLDER` checks them.
"""
import argparse
import json
import logging
import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")
logging.disable(logging.ERROR)

import numpy as np
import onnxruntime
import torch
import transformers
from onnx import numpy_helper

from families import FAMILIES
from heads import OUTPUTS, Headed, Named, TorchEncoder

torch.set_num_threads(1)


def inputs_of(family, batch=2, left=False):
    """Two examples; the second text ends in four tokens of padding, or begins with them."""
    generator = torch.Generator().manual_seed(3)
    kind = family["kind"]
    if kind == "text":
        tokens = family.get("tokens", 12)
        ids = torch.randint(5, 99, (batch, tokens), generator=generator)
        mask = torch.ones(batch, tokens, dtype=torch.long)
        if family.get("eos"):
            ids[:, -1] = family["eos"]
        if family.get("maskless"):
            return dict(input_ids=ids)
        mask[1, tokens - 4 :] = 0
        ids[1, tokens - 4 :] = family.get("pad", 0)
        if family.get("eos"):
            ids[1, tokens - 5] = family["eos"]
        if left:
            ids[1], mask[1] = ids[1].roll(4), mask[1].roll(4)
        words = dict(words=torch.tensor([[1, 3, 5]] * batch)) if family.get("wrap") == "words" else {}
        return dict(input_ids=ids, attention_mask=mask, **words)
    if kind == "image":
        size = family.get("size", 32)
        frames = [family["frames"]] if family.get("frames") else []
        return dict(pixel_values=torch.randn(batch, *frames, 3, size, size, generator=generator))
    if kind == "sound":
        return dict(input_values=torch.randn(batch, 800, generator=generator))
    return {name: shape() if callable(shape) else torch.randn(*shape, generator=generator) for name, shape in family["inputs"].items()}


def made(name, family, names, of=None):
    """`of`: the class of transformers that is made instead of the family's own, with the same configuration."""
    torch.manual_seed(0)
    model = family["make"](family["attn"], of)
    torch.manual_seed(7)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.25)
    if hasattr(model, "config"):
        try:
            model.config.use_cache = False
        except AttributeError:
            pass
    if family.get("wrap"):
        return Headed(family["wrap"], model).eval()
    if isinstance(model, TorchEncoder) or family.get("timm"):
        return model.eval()
    return Named(model, names, ["pred_boxes", *OUTPUTS] if "boxes" in name else OUTPUTS).eval()


def write(model, path, exporter, feeds, outputs, axes, sizes):
    """`sizes`: names of dynamic axes: shared (one for all batches), own (one for each input), DYNAMIC or AUTO (chosen by torch)."""
    opset, values = int(exporter[2:]), tuple(feeds.values())
    common = dict(opset_version=opset, input_names=list(feeds), output_names=list(outputs))
    if sizes == "own":
        axes = {each: {axis: f"{each}_{name}" for axis, name in own.items()} for each, own in axes.items()}
    if exporter.startswith("ts"):
        torch.onnx.export(model, values, path, dynamo=False, dynamic_axes={**axes, **outputs}, **common)
        return
    chosen = getattr(torch.export.Dim, sizes, None)
    dims = {name: chosen or torch.export.Dim(name) for own in axes.values() for name in own.values()}
    shapes = tuple({axis: dims[name] for axis, name in axes[each].items()} for each in feeds)
    if isinstance(model, Named):
        shapes = (shapes,)
    elif isinstance(model, Headed):
        shapes = (*shapes[:2], shapes[2:]) if len(shapes) > 2 else shapes
    torch.onnx.export(model, values, path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False, **common)


def axes_of(family, feeds, answers):
    """@returns the dynamic axes of outputs and of inputs, by name"""
    names = ["dense", "sparse"] if len(answers) > 1 else ["logits" if answers[0].dim() == 2 else "last_hidden_state"]
    is_text = family["kind"] == "text"
    axes = {each: {0: "batch", 1: "sequence"} if is_text and not family.get("maskless") and each != "words" else {0: "batch"} for each in feeds}
    by_token = is_text and answers[0].dim() == 3 and family.get("wrap") != "words"
    return {each: {0: "batch", 1: "sequence"} if by_token else {0: "batch"} for each in names}, axes


def export(name, exporter, parent):
    """@returns the largest difference between onnxruntime and torch"""
    family = FAMILIES[name]
    feeds = inputs_of(family)
    model = made(name, family, list(feeds))
    with torch.no_grad():
        answers = model(*feeds.values())
    answers = list(answers) if isinstance(answers, (tuple, list)) else [answers]
    outputs, axes = axes_of(family, feeds, answers)
    folder = os.path.join(parent, f"{name}-{exporter}")
    os.makedirs(os.path.join(folder, "test_data_set_0"), exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    write(model, path, exporter, feeds, outputs, axes, "DYNAMIC")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(path, options)
    used = [each.name for each in session.get_inputs()]
    got = session.run(None, {each: feeds[each].numpy() for each in used})
    written = [each.name for each in session.get_outputs()]
    for kind, values in (("input", [(each, feeds[each].numpy()) for each in used]), ("output", list(zip(written, got)))):
        for number, (each, value) in enumerate(values):
            with open(os.path.join(folder, "test_data_set_0", f"{kind}_{number}.pb"), "wb") as file:
                file.write(numpy_helper.from_array(value, each).SerializeToString())
    furthest = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(got, answers))
    facts = dict(
        name=f"{name}-{exporter}", architecture=name, modality={"image": "vision", "sound": "audio", "values": "audio"}.get(family["kind"], "text"),
        exporter=f"torch.onnx.export(dynamo={exporter[0] == 'd'}) torch {torch.__version__.split('+')[0]}", opset=int(exporter[2:]),
        producerOptions={}, attnImplementation=family["attn"], library=f"transformers {transformers.__version__}",
        layers=family.get("layers", 3), inputs=used, outputs=written, maskInput="attention_mask" if "attention_mask" in used else None,
        prunable=not family.get("refused"), maxDiffTorch=furthest,
    )
    with open(os.path.join(folder, "fixture.json"), "w") as file:
        json.dump(facts, file, indent=1)
    return furthest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--exporters", default="ts17,dy20")
    options = parser.parse_args()
    chosen = [name for name in options.only.split(",") if name] or list(FAMILIES)
    for name in chosen:
        for exporter in options.exporters.split(","):
            if os.path.exists(os.path.join(options.folder, f"{name}-{exporter}", "fixture.json")):
                continue
            began = time.time()
            try:
                furthest = export(name, exporter, options.folder)
                print(f"{name}-{exporter} {furthest:.1e} {time.time() - began:.1f} s", flush=True)
            except Exception as error:  # One family that torch cannot export must not stop the others.
                lines = str(error).splitlines() or [""]
                print(f"{name}-{exporter} NOT EXPORTED {type(error).__name__}: {lines[0][:160]}", flush=True)


if __name__ == "__main__":
    main()

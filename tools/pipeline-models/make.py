"""Makes the models in models/, for pipelines of transformers.js: as optimum exports them, Depth Anything as torch does; random weights.

Needs torch, transformers 4.57 and optimum-onnx 0.1:
  python make.py FOLDER
"""
import json
import os
import shutil
import sys
import tempfile

import torch
import transformers as t

sizes = dict(hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32)
images = dict(image_size=32, patch_size=8)
dino = dict(hidden_size=16, num_hidden_layers=3, num_attention_heads=2, mlp_ratio=2, image_size=56, patch_size=14)

models = {
    # a text encoder, which is causal, and one of images, in one file
    "clip": (
        "zero-shot-image-classification",
        lambda: t.CLIPModel(
            t.CLIPConfig(
                text_config=dict(sizes, vocab_size=64, max_position_embeddings=16, bos_token_id=1, eos_token_id=2),
                vision_config=dict(sizes, **images),
                projection_dim=16,
            )
        ),
    ),
    "dinov2": ("feature-extraction", lambda: t.Dinov2Model(t.Dinov2Config(**dino))),
    # a head on the grid of states of two layers
    "depth-anything": (
        None,
        lambda: t.DepthAnythingForDepthEstimation(
            t.DepthAnythingConfig(
                backbone_config=t.Dinov2Config(**dino, out_indices=[2, 3], reshape_hidden_states=False, apply_layernorm=True),
                patch_size=14,
                reassemble_hidden_size=16,
                reassemble_factors=[1, 0.5],
                neck_hidden_sizes=[8, 8],
                fusion_hidden_size=8,
                head_hidden_size=8,
            )
        ),
    ),
}


def main(folder):
    from optimum.exporters.onnx import onnx_export_from_model

    for name, (task, make) in models.items():
        torch.manual_seed(1)
        made = make().eval()
        for parameter in made.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.15)
        with tempfile.TemporaryDirectory() as scratch:
            # The exporter looks up the size of an image there.
            t.BitImageProcessor(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}).save_pretrained(scratch)
            made.config._name_or_path = scratch
            file = os.path.join(folder, f"{name}.onnx")
            if task is None:
                names = dict(input_names=["pixel_values"], output_names=["predicted_depth"])
                axes = dict(dynamic_axes={"pixel_values": {0: "batch_size"}, "predicted_depth": {0: "batch_size"}})
                torch.onnx.export(made, torch.randn(2, 3, 56, 56), file, **names, **axes, opset_version=18, dynamo=False)
            else:
                onnx_export_from_model(made, scratch, opset=18, task=task, do_validation=False)
                shutil.copy(os.path.join(scratch, "model.onnx"), file)
            with open(os.path.join(folder, f"{name}.json"), "w") as file:
                described = made.config.to_diff_dict()
                json.dump({**described, "architectures": [type(made).__name__]}, file)


main(sys.argv[1])

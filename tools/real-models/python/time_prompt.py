"""Time of a prompt against its number of image tokens, for a language model with the layers of Qwen2-0.5B (LLaVA-OneVision 0.5B) and random weights.

  python tools/real-models/python/time_prompt.py FOLDER IMAGE TEXT ROUNDS
FOLDER gets decoder.onnx (1.6 GB; 4 GB of memory while it is made); IMAGE tokens, their half and their quarter stand before TEXT tokens, in turns on one
thread. The vocabulary has 49,152 entries, so that the file is below the 2 GB of a protobuf.
"""
import os
import statistics
import sys
import time

import numpy as np

SIZES = dict(
    hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2, vocab_size=49152,
    tie_word_embeddings=False,
)


def make(path):
    import torch
    import transformers

    class Decoder(torch.nn.Module):
        """Of the prompt alone: every cache is empty. Keys and values are outputs, as a generation needs them."""

        def __init__(self, model):
            super().__init__()
            self.language, self.head = model.model, model.lm_head

        def forward(self, inputs_embeds):
            length = inputs_embeds.shape[1]
            place = torch.arange(length)
            mask = torch.where(place[None] <= place[:, None], 0.0, -1e9)[None, None]
            out = self.language(
                inputs_embeds=inputs_embeds, attention_mask=mask, position_ids=place[None], use_cache=True,
                past_key_values=transformers.DynamicCache(),
            )
            cached = [value for layer in out.past_key_values.layers for value in (layer.keys, layer.values)]
            return self.head(out.last_hidden_state), *cached

    torch.manual_seed(1)
    model = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES, attn_implementation="eager")).eval()
    print(f"{sum(own.numel() for name, own in model.named_parameters() if 'embed' not in name) / 1e6:.0f} million weights", flush=True)
    del model.model.embed_tokens
    names = [f"present.{layer}.{kind}" for layer in range(SIZES["num_hidden_layers"]) for kind in ("key", "value")]
    axes = dict(inputs_embeds={1: "length"}, logits={1: "length"}, **{name: {2: "length"} for name in names})
    with torch.no_grad():
        torch.onnx.export(
            Decoder(model), (torch.randn(1, 5, SIZES["hidden_size"]),), path, input_names=["inputs_embeds"],
            output_names=["logits", *names], dynamic_axes=axes, opset_version=18, dynamo=False,
        )


def measure(path, image, text, rounds):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    embeds = np.random.default_rng(0).standard_normal((1, image + text, SIZES["hidden_size"]), dtype=np.float32)
    counts = [image, image // 2, image // 4]
    times = []
    for _ in range(rounds + 1):
        row = []
        for count in counts:
            start = time.process_time()
            session.run(None, dict(inputs_embeds=embeds[:, : count + text]))
            row.append(time.process_time() - start)
        times.append(row)
    for index, count in enumerate(counts):
        ratio = statistics.median(row[0] / row[index] for row in times[1:])
        print(f"{count} image tokens and {text} of text: {statistics.median(row[index] for row in times[1:]):.2f} s, {ratio:.2f} times as fast", flush=True)


def main(folder, image, text, rounds):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "decoder.onnx")
    if not os.path.exists(path):
        # In a process of its own, whose memory is free again afterwards.
        if os.spawnl(os.P_WAIT, sys.executable, sys.executable, __file__, "make", path) != 0:
            raise SystemExit("the decoder could not be exported")
    measure(path, int(image), int(text), int(rounds))


make(sys.argv[2]) if sys.argv[1] == "make" else main(*sys.argv[1:])

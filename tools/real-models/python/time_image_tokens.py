"""Times of a vision-language model and its pruned folders: vision encoder, prompt, and both, in turns, on one thread.

  python tools/real-models/python/time_image_tokens.py TILES TEXT ROUNDS DENSE PRUNED...
TILES images (tiles of one) in a prompt with TEXT tokens more; folders in the layout of transformers.js for SmolVLM.
"""
import json
import statistics
import sys
import time

import numpy as np
import onnxruntime


def load(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


def main(tiles, text, rounds, *folders):
    # The decoder is the same file in all of them.
    decoder = load(f"{folders[0]}/onnx/decoder_model_merged.onnx")
    models = {folder: load(f"{folder}/onnx/vision_encoder.onnx") for folder in folders}
    config = json.load(open(f"{folders[0]}/config.json"))
    side, width = config["vision_config"]["image_size"], config["text_config"]["hidden_size"]
    random = np.random.default_rng(0)
    images = dict(
        pixel_values=random.standard_normal((1, tiles, 3, side, side), dtype=np.float32),
        pixel_attention_mask=np.ones((1, tiles, side, side), bool),
    )
    words = random.standard_normal((text, width), dtype=np.float32)
    past = {own.name: np.zeros([1, own.shape[1], 0, own.shape[3]], np.float32) for own in decoder.get_inputs()[3:]}
    times = {folder: [] for folder in folders}
    for _ in range(rounds + 1):
        for folder, vision in models.items():
            start = time.process_time()
            features = vision.run(None, images)[0].reshape(-1, width)
            seen = time.process_time()
            embeds = np.concatenate([features, words])[None]
            length = embeds.shape[1]
            integers = dict(attention_mask=np.ones((1, length), np.int64), position_ids=np.arange(length)[None])
            decoder.run(["logits"], dict(inputs_embeds=embeds, **integers, **past))
            times[folder].append((seen - start, time.process_time() - seen, length))
    dense = times[folders[0]][1:]
    for folder in folders:
        own = times[folder][1:]
        vision, prompt, length = (statistics.median(values) for values in zip(*own))
        ratios = [statistics.median([a / b for a, b in zip(map(of, dense), map(of, own))]) for of in PARTS]
        print(f"{folder}: {length} tokens, vision {vision:.2f} s, prompt {prompt:.2f} s; dense over it: " + ", ".join(f"{name} {ratio:.2f}" for name, ratio in zip(("vision", "prompt", "both"), ratios)))


PARTS = (lambda own: own[0], lambda own: own[1], lambda own: own[0] + own[1])
main(*map(int, sys.argv[1:4]), *sys.argv[4:])

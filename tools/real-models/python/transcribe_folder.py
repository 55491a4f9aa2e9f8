"""Transcribes recordings by the Python programs that read a folder of Whisper as it is:

    python transcribe_folder.py FOLDER LANGUAGE=WAV...

Prints one JSON document: the texts by program, in the order of the files (16 kHz, 16 bits, one channel). A program that is not installed has null and a note on stderr.
Requires transformers with torch, and optimum-onnx or onnxruntime.
"""

import json
import os
import sys
import wave
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import onnxruntime
from transformers import AutoProcessor

LONGEST = 128


def samples_of(path: str) -> np.ndarray:
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).astype(np.float32) / 32768


def by_optimum(folder: str, recordings: list, *, beams: int = 1, **options) -> list[str]:
    from optimum.onnxruntime import ORTModelForSpeechSeq2Seq

    model = ORTModelForSpeechSeq2Seq.from_pretrained(folder, **options)
    processor = AutoProcessor.from_pretrained(folder)
    texts = []
    for language, path in recordings:
        features = processor(samples_of(path), sampling_rate=16000, return_tensors="pt").input_features
        tokens = model.generate(
            features, num_beams=beams, max_new_tokens=LONGEST, language=language, task="transcribe"
        )
        texts.append(processor.batch_decode(tokens, skip_special_tokens=True)[0].strip())
    return texts


def by_hand(folder: str, recordings: list) -> list[str]:
    """Greedy decoding with sessions of onnxruntime and nothing else: no word of the folder's graphs is about tp."""
    graphs = Path(folder) / "onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    encoder = onnxruntime.InferenceSession(graphs / "encoder_model.onnx", options)
    decoder = onnxruntime.InferenceSession(graphs / "decoder_model_merged.onnx", options)
    generation = json.loads((Path(folder) / "generation_config.json").read_text())
    processor = AutoProcessor.from_pretrained(folder)
    config = json.loads((Path(folder) / "config.json").read_text())
    heads = config["decoder_attention_heads"]
    past_names = [entry.name for entry in decoder.get_inputs() if entry.name.startswith("past_key_values.")]
    empty = np.zeros((1, heads, 0, config["d_model"] // heads), np.float32)
    texts = []
    for language, path in recordings:
        features = processor(samples_of(path), sampling_rate=16000, return_tensors="np").input_features
        states = encoder.run(["last_hidden_state"], {"input_features": features.astype(np.float32)})[0]
        begin = [
            generation["decoder_start_token_id"],
            generation["lang_to_id"][f"<|{language}|>"],
            generation["task_to_id"]["transcribe"],
            generation["no_timestamps_token_id"],
        ]
        tokens, unread, past = [], begin, dict.fromkeys(past_names, empty)
        while len(tokens) < LONGEST:
            cached = len(tokens) > 0
            inputs = {
                "input_ids": np.array([unread], np.int64),
                "encoder_hidden_states": states,
                "use_cache_branch": np.array([cached]),
                **past,
            }
            names = [output.name for output in decoder.get_outputs()]
            outputs = dict(zip(names, decoder.run(names, inputs), strict=True))
            for name in past_names:
                # Keys and values of the states are made once.
                if not (cached and ".encoder." in name):
                    past[name] = outputs[name.replace("past_key_values", "present")]
            logits = outputs["logits"][0, -1]
            logits[generation["suppress_tokens"]] = -np.inf
            logits[generation["no_timestamps_token_id"] + 1 :] = -np.inf
            if not cached:
                logits[generation["begin_suppress_tokens"]] = -np.inf
            token = int(logits.argmax())
            if token == generation["eos_token_id"]:
                break
            tokens.append(token)
            unread = [token]
        texts.append(processor.decode(tokens, skip_special_tokens=True).strip())
    return texts


PROGRAMS = {
    "optimum-onnx": by_optimum,
    "optimum-onnx, two decoders": lambda *of: by_optimum(*of, use_merged=False),
    "optimum-onnx, four beams": lambda *of: by_optimum(*of, beams=4),
    "onnxruntime": by_hand,
}


def main(folder: str, *recordings: str) -> None:
    pairs = [recording.split("=", 1) for recording in recordings]
    texts = {}
    for name, program in PROGRAMS.items():
        try:
            texts[name] = program(folder, pairs)
        except ImportError as missing:
            texts[name] = None
            print(f"{name} is skipped: {missing}", file=sys.stderr)
    print(json.dumps(texts, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Loads two model folders with the programs that read such folders, and compares what they answer:

    python load_folder.py TASK DENSE CHANGED DATA

TASK is vectors, classes or speech; DATA a text a line, or a folder of WAV files of 16 kHz. DENSE is the folder as it was, CHANGED what tp has written of it. A program
that is not installed is named as skipped. Times are of one thread, the lower quartile of runs in turns, as a ratio; one JSON line each.
Requires onnxruntime, optimum-onnx, sentence-transformers, fastembed, tritonclient or none of them; see requirements.txt.
"""

import json
import os
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

Answer = Callable[[object], object]


def one_thread():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return options


def vectors_by_optimum(folder: str) -> Answer:
    from optimum.onnxruntime import ORTModelForFeatureExtraction
    from transformers import AutoTokenizer

    model = ORTModelForFeatureExtraction.from_pretrained(folder, session_options=one_thread())
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def answer(text: str) -> np.ndarray:
        inputs = tokenizer(text, return_tensors="np", truncation=True)
        states = model(**inputs).last_hidden_state
        vector = states[0, 0] if states.shape[1] == 1 else states[0].mean(axis=0)
        return vector / np.linalg.norm(vector)

    return answer


def vectors_by_sentence_transformers(folder: str) -> Answer:
    from sentence_transformers import SentenceTransformer

    options = {"session_options": one_thread(), "provider": "CPUExecutionProvider"}
    model = SentenceTransformer(folder, backend="onnx", model_kwargs=options, device="cpu")
    return lambda text: model.encode(text, normalize_embeddings=True)


def vectors_by_fastembed(folder: str) -> Answer:
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    name = "tp/" + Path(folder).resolve().name
    size = 384
    file = next(path for path in ("onnx/model.onnx", "model.onnx") if (Path(folder) / path).exists())
    TextEmbedding.add_custom_model(
        model=name, pooling=PoolingType.MEAN, normalization=True, sources=ModelSource(hf=name), dim=size, model_file=file
    )
    model = TextEmbedding(name, specific_model_path=folder, threads=1)
    return lambda text: next(iter(model.embed([text])))


def classes_by_optimum(folder: str) -> Answer:
    from optimum.onnxruntime import ORTModelForSequenceClassification
    from transformers import AutoTokenizer, pipeline

    model = ORTModelForSequenceClassification.from_pretrained(folder, session_options=one_thread())
    classify = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder))
    return lambda text: classify(text, truncation=True)[0]["label"]


def classes_by_sentence_transformers(folder: str) -> Answer:
    from sentence_transformers import CrossEncoder

    options = {"session_options": one_thread(), "provider": "CPUExecutionProvider"}
    model = CrossEncoder(folder, backend="onnx", model_kwargs=options, device="cpu")
    return lambda text: int(np.argmax(model.predict([tuple(text.split("\t"))[:2]])[0]))


def speech_by_optimum(folder: str, **options) -> Answer:
    from optimum.onnxruntime import ORTModelForSpeechSeq2Seq
    from transformers import AutoProcessor

    model = ORTModelForSpeechSeq2Seq.from_pretrained(folder, session_options=one_thread(), use_io_binding=False, **options)
    processor = AutoProcessor.from_pretrained(folder)

    def answer(path: Path) -> str:
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16) / 32768
        features = processor(samples, sampling_rate=16000, return_tensors="pt").input_features
        tokens = model.generate(features, max_new_tokens=128, language="en", task="transcribe")
        return processor.batch_decode(tokens, skip_special_tokens=True)[0].strip()

    return answer


PROGRAMS = {
    "vectors": {
        "optimum-onnx": vectors_by_optimum,
        "sentence-transformers": vectors_by_sentence_transformers,
        "fastembed": vectors_by_fastembed,
    },
    "classes": {
        "optimum-onnx": classes_by_optimum,
        "sentence-transformers": classes_by_sentence_transformers,
    },
    "speech": {
        "optimum-onnx": speech_by_optimum,
        "optimum-onnx, two decoders": lambda folder: speech_by_optimum(folder, use_merged=False),
    },
}


def words(text: str) -> list[str]:
    return "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()


def edits(a: list[str], b: list[str]) -> int:
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != other))
    return row[-1]


def alike(task: str, dense: list, changed: list) -> dict:
    if task == "vectors":
        cosines = [float(a @ b) for a, b in zip(dense, changed, strict=True)]
        return {"cosine": round(float(np.mean(cosines)), 4), "lowest": round(min(cosines), 4)}
    if task == "speech":
        pairs = [(words(a), words(b)) for a, b in zip(dense, changed, strict=True)]
        errors = sum(edits(a, b) for a, b in pairs) / sum(len(a) for a, _ in pairs)
        return {"words that differ": f"{100 * errors:.1f} %"}
    same = sum(a == b for a, b in zip(dense, changed, strict=True))
    return {"same": f"{same} of {len(dense)}"}


def answers_in_turns(programs: list[Answer], data: list) -> tuple[list[list], list[list[float]]]:
    answers, times = [[] for _ in programs], [[] for _ in programs]
    for program in programs:
        program(data[0])
    for example in data:
        for i, program in enumerate(programs):
            began = time.process_time()
            answers[i].append(program(example))
            times[i].append(time.process_time() - began)
    return answers, times


def main(task: str, dense: str, changed: str, source: str) -> None:
    path = Path(source)
    data = sorted(path.glob("*.wav")) if path.is_dir() else path.read_text().splitlines()
    for name, open_folder in PROGRAMS[task].items():
        try:
            programs = [open_folder(dense), open_folder(changed)]
        except ImportError as missing:
            print(json.dumps({"program": name, "skipped": str(missing)}), flush=True)
            continue
        answers, times = answers_in_turns(programs, data)
        speed = float(np.sum(times[0]) / np.sum(times[1]))
        report = {"program": name, "examples": len(data), **alike(task, *answers), "faster": round(speed, 2)}
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Runs, quantizes and times models with onnxruntime, OpenVINO and what embeds texts for `npm run benchmark -- outside`, which sends requests on stdin.

A request is a line of JSON, followed by the bytes of its tensors, or with texts in it; so is an answer. A model runs on one thread where no more
are asked for.
"""

import json
import logging
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"  # every file is here

import numpy as np
import onnxruntime

feeds: list = []  # of timing and calibration: tensors, or the texts of a batch
models: dict = {}


def options_of(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


class OnnxRuntime:
    def __init__(self, path: str, threads: int):
        self.session = onnxruntime.InferenceSession(path, options_of(threads), providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]

    def run(self, inputs: dict) -> dict:
        return dict(zip(self.outputs, self.session.run(self.outputs, inputs)))


class OpenVino:
    def __init__(self, path: str, threads: int, precision: str):
        import openvino

        config = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        self.compiled = openvino.Core().compile_model(path, "CPU", config)
        self.names = [output.get_any_name() for output in self.compiled.outputs]

    def run(self, inputs: dict) -> dict:
        results = self.compiled(inputs)
        return {name: np.array(results[i]) for i, name in enumerate(self.names)}


class Texts:
    """From texts to vectors."""

    def __init__(self, engine: str, path: str, threads: int, file: str | None):
        import embedders

        if engine == "texts":
            self.embedder = embedders.Plain(path, options_of(threads))
        elif engine == "fastembed":
            self.embedder = embedders.FastEmbed(path, threads)
        else:
            self.embedder = embedders.SentenceTransformers(path, file or path, threads, options_of(threads))

    def run(self, texts: list) -> dict:
        return {"vectors": self.embedder.vectors(texts)}


def load(engine: str, path: str, threads: int = 1, precision: str = "f32", file: str | None = None) -> dict:
    if engine == "onnxruntime":
        own = OnnxRuntime(path, threads)
    elif engine == "openvino":
        own = OpenVino(path, threads, precision)
    else:
        own = Texts(engine, path, threads, file)
    models[len(models)] = own
    return {"model": len(models) - 1}


def dequantize(path: str, out: str) -> dict:
    from dequantize import dequantize as write

    write(path, out)
    return {}


def quantize_dynamic(path: str, out: str, reduce_range: bool) -> dict:
    """As onnxruntime's documents advise for transformers: 8-bit weights per channel (7-bit where sums of products saturate), activations in 8 bits as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic as quantize
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = f"{out}.prepared"
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    # Merged decoders have their layers in the branches of an If.
    form = dict(per_channel=True, weight_type=QuantType.QInt8, reduce_range=reduce_range)
    quantize(prepared, out, **form, extra_options={"EnableSubgraph": True})
    return {}


def quantize_openvino(path: str, out: str) -> dict:
    """As OpenVINO's documents advise for transformers: NNCF's post-training quantization, calibrated on the examples that were sent."""
    import nncf
    import openvino

    data = nncf.Dataset(feeds, lambda item: item)
    model = openvino.Core().read_model(path)
    quantized = nncf.quantize(model, data, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(feeds))
    openvino.save_model(quantized, out, compress_to_fp16=False)
    return {}


def times(model: int, dense: int, rounds: int, budget: float, threads: int = 1) -> dict:
    """Milliseconds by round, of all examples that were sent, in turns: of the processor for one thread, of the clock for several."""
    clock = time.process_time if threads == 1 else time.perf_counter
    turns = [models[dense], models[model]]
    for one in turns:
        for inputs in feeds:
            one.run(inputs)  # warms up
    spent: list[list[float]] = [[], []]
    start = time.perf_counter()
    for number in range(rounds):
        if number >= 5 and time.perf_counter() - start > budget:
            break
        own = [0.0, 0.0]
        for i, inputs in enumerate(feeds):
            for turn in ((0, 1) if (number + i) % 2 == 0 else (1, 0)):
                before = clock()
                turns[turn].run(inputs)
                own[turn] += 1000 * (clock() - before)
        for turn in (0, 1):
            spent[turn].append(own[turn])
    return {"dense": spent[0], "own": spent[1]}


def versions() -> dict:
    from importlib.metadata import PackageNotFoundError, version

    def of(name: str) -> str | None:
        try:
            return version(name).split("-")[0]
        except PackageNotFoundError:
            return None

    names = dict(onnxruntime="onnxruntime", openvino="openvino", fastembed="fastembed", sentenceTransformers="sentence-transformers")
    return {key: of(name) for key, name in names.items()}


def read_tensors(described: list) -> dict:
    stdin = sys.stdin.buffer
    tensors = {}
    for own in described:
        data = np.frombuffer(stdin.read(own["bytes"]), dtype=own["type"]).reshape(own["dims"])
        tensors[own["name"]] = data
    return tensors


def answer(content: dict, tensors: dict | None = None) -> None:
    arrays = {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in (tensors or {}).items()}
    described = [dict(name=name, type="float32", dims=value.shape, bytes=value.nbytes) for name, value in arrays.items()]
    stdout.write((json.dumps({**content, "tensors": described}) + "\n").encode())
    for value in arrays.values():
        stdout.write(value.tobytes())
    stdout.flush()


def main() -> None:
    calls = dict(
        load=load, dequantize=dequantize, quantize_dynamic=quantize_dynamic, quantize_openvino=quantize_openvino, times=times, versions=versions
    )
    for line in sys.stdin.buffer:
        request = json.loads(line)
        inputs = read_tensors(request.pop("tensors", []))
        inputs = request.pop("texts", inputs)
        do = request.pop("do")
        try:
            if do == "run":
                answer({}, models[request["model"]].run(inputs))
            elif do == "feed":
                if request.get("first"):
                    feeds.clear()
                feeds.append(inputs)
                answer({})
            else:
                answer(calls[do](**request))
        except Exception as error:  # the other side says what to do
            answer({"error": f"{type(error).__name__}: {error}"[:2000]})


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    # Libraries print to stdout, which is for answers.
    stdout = sys.stdout.buffer
    sys.stdout = sys.stderr
    main()

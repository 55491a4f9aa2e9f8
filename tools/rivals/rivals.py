"""Runs, quantizes and times models with onnxruntime and OpenVINO for `npm run benchmark -- outside`, which sends requests on stdin.

A request is a line of JSON, followed by the bytes of its tensors; so is an answer. A model runs on one thread where no more are asked for.
"""

import json
import logging
import sys
import time

import numpy as np
import onnxruntime

feeds: list[dict] = []  # of timing and calibration
models: dict = {}


class OnnxRuntime:
    def __init__(self, path: str, threads: int):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
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


def load(engine: str, path: str, threads: int = 1, precision: str = "f32") -> dict:
    models[len(models)] = OnnxRuntime(path, threads) if engine == "onnxruntime" else OpenVino(path, threads, precision)
    return {"model": len(models) - 1}


def quantize_dynamic(path: str, out: str) -> dict:
    """As onnxruntime's documents advise for transformers: 8-bit weights per channel, activations in 8 bits as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic as quantize
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = f"{out}.prepared"
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    quantize(prepared, out, per_channel=True, weight_type=QuantType.QInt8)
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
            one.run(inputs)
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
    import openvino

    return {"onnxruntime": onnxruntime.__version__, "openvino": openvino.__version__.split("-")[0]}


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
    calls = dict(load=load, quantize_dynamic=quantize_dynamic, quantize_openvino=quantize_openvino, times=times, versions=versions)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        tensors = read_tensors(request.pop("tensors", []))
        do = request.pop("do")
        try:
            if do == "run":
                answer({}, models[request["model"]].run(tensors))
            elif do == "feed":
                if request.get("first"):
                    feeds.clear()
                feeds.append(tensors)
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

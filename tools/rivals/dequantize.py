"""The float32 file that an 8-bit one was made from, but for the rounding of its weights: what others' 8 bits can start from."""

import numpy as np
import onnx
from onnx import helper, numpy_helper


def dequantize(path: str, out: str) -> None:
    """
    Undoes what onnxruntime's dynamic quantization has put in: of each product MatMulInteger, Cast and Mul by the product of both scales. Rows of a
    table of embeddings stay as they are stored. ValueError for a file that has no such product.
    """
    model = onnx.load(path)
    graph = model.graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    replaced: dict[int, list] = {}
    weights: dict[str, np.ndarray] = {}
    for node in graph.node:
        if node.op_type != "MatMulInteger" or node.input[1] not in values:
            continue
        rounding = makers[node.input[0]]
        (cast,) = readers[node.output[0]]
        (last,) = readers[cast.output[0]]
        scales = makers[next(name for name in last.input if name != cast.output[0])]
        scale = next(values[name] for name in scales.input if name in values)
        zero = values[node.input[3]] if len(node.input) > 3 else np.zeros(1)
        name = f"{node.input[1]}.float32"
        # A value for each column, or one for all.
        weights[name] = (values[node.input[1]].astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32)
        product = helper.make_node("MatMul", [rounding.input[0], name], [last.output[0]])
        replaced |= {id(last): [product], id(node): [], id(cast): []}
    if not weights:
        raise ValueError("the file has no product of 8-bit integers whose activations are rounded as they come")
    nodes = [own for node in graph.node for own in replaced.get(id(node), [node])]
    # What nothing reads any more: scales, and rounding of activations.
    read: set[str] = set()
    count = -1
    while count != len(nodes):
        count = len(nodes)
        read = {output.name for output in graph.output} | {name for node in nodes for name in node.input}
        nodes = [node for node in nodes if any(name in read for name in node.output)]
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *(numpy_helper.from_array(value, name) for name, value in weights.items())])
    onnx.checker.check_model(model)
    onnx.save(model, out)

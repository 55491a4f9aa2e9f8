"""Runs a packed model and the dense one in onnxruntime with the installed tp_operators: session.py PACKED DENSE"""

import json
import sys
import tempfile

import numpy
import onnxruntime
import tp_operators

packed, dense = sys.argv[1:]
lengths = (100, 1, 37, 64, 8, 2, 81, 16)
ids = numpy.zeros((len(lengths), max(lengths)), numpy.int64)
mask = numpy.zeros_like(ids)
for row, length in enumerate(lengths):
    ids[row, :length] = numpy.arange(length) + 2
    mask[row, :length] = 1
feeds = {"input_ids": ids, "attention_mask": mask}

own = onnxruntime.SessionOptions()
own.intra_op_num_threads = 2
own.enable_profiling = True
scratch = tempfile.TemporaryDirectory()
own.profile_file_prefix = f"{scratch.name}/run"
assert tp_operators.session_options(own) is own
[expected] = onnxruntime.InferenceSession(dense, providers=["CPUExecutionProvider"]).run(None, feeds)
for options in (tp_operators.session_options(), own):
    session = onnxruntime.InferenceSession(packed, options, providers=["CPUExecutionProvider"])
    [answers] = session.run(None, feeds)
    numpy.testing.assert_allclose(answers, expected, atol=1e-5)
# Without the library the file computes the same by functions of its own, which are no operators.
with open(session.end_profiling()) as profile:
    assert any(event.get("args", {}).get("op_name", "").startswith("PackedAttention") for event in json.load(profile))
print("onnxruntime", onnxruntime.__version__)

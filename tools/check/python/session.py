"""Runs a packed model and the dense one in onnxruntime with the installed tp_operators: session.py PACKED DENSE"""

import sys

import numpy
import onnxruntime
import tp_operators

packed, dense = sys.argv[1:]
ids = numpy.zeros((3, 8), numpy.int64)
mask = numpy.zeros((3, 8), numpy.int64)
for row, length in enumerate((8, 3, 5)):
    ids[row, :length] = numpy.arange(length) + 2
    mask[row, :length] = 1
feeds = {"input_ids": ids, "attention_mask": mask}

own = onnxruntime.SessionOptions()
own.intra_op_num_threads = 2
for options in (tp_operators.session_options(), tp_operators.session_options(own)):
    [answers] = onnxruntime.InferenceSession(packed, options, providers=["CPUExecutionProvider"]).run(None, feeds)
    [expected] = onnxruntime.InferenceSession(dense, providers=["CPUExecutionProvider"]).run(None, feeds)
    numpy.testing.assert_allclose(answers, expected, atol=1e-5)
assert tp_operators.session_options(own) is own
print("onnxruntime", onnxruntime.__version__)

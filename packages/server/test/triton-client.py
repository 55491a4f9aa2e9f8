"""Asks a running `tp serve` for the mail model by Triton's own client: pip install tritonclient[http]; python triton-client.py 127.0.0.1:8080"""

import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

client = http.InferenceServerClient(sys.argv[1], concurrency=4)
ids = np.array([[2, 314, 15, 3], [2, 271, 3, 0]], dtype=np.int64)
mask = np.array([[1, 1, 1, 1], [1, 1, 1, 0]], dtype=np.int64)


def inputs(binary=True, ids=ids):
    made = []
    for name, values in (("input_ids", ids), ("attention_mask", mask)):
        made.append(http.InferInput(name, list(values.shape), "INT64"))
        made[-1].set_data_from_numpy(values, binary_data=binary)
    return made


def logits(*args, **kwargs):
    return client.infer("mail", *args, **kwargs).as_numpy("logits")


def refused(status, *args, **kwargs):
    try:
        client.infer(*args, **kwargs)
    except InferenceServerException as error:
        assert error.status() == status, error
        return
    raise AssertionError("it was answered")


assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("mail")
assert not client.is_model_ready("other")
assert client.get_server_metadata()["extensions"] == ["binary_tensor_data", "model_configuration", "statistics"]
assert [value["name"] for value in client.get_model_config("mail")["input"]] == ["input_ids", "attention_mask"]
assert [(model["name"], model["state"]) for model in client.get_model_repository_index()] == [("mail", "READY")]
assert client.get_inference_statistics("mail")["model_stats"][0]["inference_count"] == 0
metadata = client.get_model_metadata("mail")
assert [value["name"] for value in metadata["inputs"]] == ["input_ids", "attention_mask"]
version = metadata["versions"][0]

first = logits(inputs())
assert first.shape == (2, 2) and first.dtype == np.float32
for sent in (True, False):
    for got in (True, False):
        wanted = [http.InferRequestedOutput("logits", binary_data=got)]
        assert np.allclose(logits(inputs(sent), outputs=wanted, request_id="7", model_version=version), first, atol=1e-5)

several = [client.async_infer("mail", inputs()) for _ in range(20)]
assert all(np.allclose(each.get_result().as_numpy("logits"), first, atol=1e-5) for each in several)

text = http.InferInput("text", [2], "BYTES")
text.set_data_from_numpy(np.array(["See you on Monday".encode(), "Gewinne für dich".encode()], dtype=object))
assert logits([text]).shape == (2, 2)

refused("400", "mail", inputs(ids=ids + 9000))
refused("400", "mail", inputs()[:1])
refused("404", "other", inputs())
for algorithm in ("gzip", "deflate"):
    assert np.allclose(logits(inputs(), request_compression_algorithm=algorithm), first, atol=1e-5)
assert client.get_inference_statistics("mail")["model_stats"][0]["inference_stats"]["fail"]["count"] > 0
print("Triton's client is answered as it expects")

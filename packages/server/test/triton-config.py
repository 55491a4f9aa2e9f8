"""Reads a config.pbtxt by Triton's own message, and prints it as JSON. Takes protobuf and tritonclient from PyPI."""
import importlib.util, pathlib, sys
from google.protobuf import json_format, text_format

# The module alone: its package wants grpc, which nothing here needs.
package = pathlib.Path(importlib.util.find_spec("tritonclient").submodule_search_locations[0])
spec = importlib.util.spec_from_file_location("model_config_pb2", package / "grpc" / "model_config_pb2.py")
model_config = importlib.util.module_from_spec(spec)
spec.loader.exec_module(model_config)
config = text_format.Parse(pathlib.Path(sys.argv[1]).read_text(), model_config.ModelConfig())
print(json_format.MessageToJson(config, preserving_proto_field_name=True))

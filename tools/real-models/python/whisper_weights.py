"""Makes a folder in the form of transformers out of Whisper's weights in the form of CTranslate2 (a model.bin, version 6)."""

import json
import struct
from pathlib import Path

import numpy as np
import torch
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_variables(path: Path) -> dict[str, np.ndarray]:
    data = path.read_bytes()
    at = 0

    def take(form: str):
        nonlocal at
        (value,) = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return value

    def text() -> str:
        nonlocal at
        length = take("H")
        value = data[at : at + length - 1].decode()
        at += length
        return value

    version, kind, _revision = take("I"), text(), take("I")
    if (version, kind) != (6, "WhisperSpec"):
        raise ValueError(f"{path.name} is {kind} of version {version}, not WhisperSpec of version 6")
    variables = {}
    for _ in range(take("I")):
        name = text()
        dims = [take("I") for _ in range(take("B"))]
        dtype, size = DTYPES[take("B")], take("I")
        variables[name] = np.frombuffer(data, dtype, size // np.dtype(dtype).itemsize, at).reshape(dims)
        at += size
    return variables


def state_of(variables: dict[str, np.ndarray], width: int, layers: int) -> dict[str, torch.Tensor]:
    """The weights under the names that transformers has for them; CTranslate2 joins the projections of one input."""
    state = {}

    def put(name: str, source: str, rows: slice = slice(None)) -> None:
        for theirs, ours in (("weight", "weight"), ("bias", "bias"), ("gamma", "weight"), ("beta", "bias")):
            value = variables.get(f"{source}/{theirs}")
            # Keys have no bias in Whisper: CTranslate2 writes zeros.
            if value is not None and not (theirs == "bias" and name.endswith("k_proj")):
                state[f"model.{name}.{ours}"] = torch.from_numpy(value[rows].astype(np.float32))

    def put_attention(name: str, source: str, crossed: bool) -> None:
        parts = [slice(i * width, (i + 1) * width) for i in range(3)]
        query, key, value = (
            (("linear_0", slice(None)), ("linear_1", parts[0]), ("linear_1", parts[1]))
            if crossed
            else [("linear_0", part) for part in parts]
        )
        for projection, (linear, rows) in (("q_proj", query), ("k_proj", key), ("v_proj", value)):
            put(f"{name}.{projection}", f"{source}/{linear}", rows)
        put(f"{name}.out_proj", f"{source}/{'linear_2' if crossed else 'linear_1'}")
        put(f"{name}_layer_norm", f"{source}/layer_norm")

    for stack in ("encoder", "decoder"):
        positions = variables[f"{stack}/position_encodings/encodings"].astype(np.float32)
        state[f"model.{stack}.embed_positions.weight"] = torch.from_numpy(positions)
        put(f"{stack}.layer_norm", f"{stack}/layer_norm")
        for i in range(layers):
            layer, source = f"{stack}.layers.{i}", f"{stack}/layer_{i}"
            put_attention(f"{layer}.self_attn", f"{source}/self_attention", crossed=False)
            if stack == "decoder":
                put_attention(f"{layer}.encoder_attn", f"{source}/attention", crossed=True)
            put(f"{layer}.final_layer_norm", f"{source}/ffn/layer_norm")
            put(f"{layer}.fc1", f"{source}/ffn/linear_0")
            put(f"{layer}.fc2", f"{source}/ffn/linear_1")
    put("encoder.conv1", "encoder/conv1")
    put("encoder.conv2", "encoder/conv2")
    put("decoder.embed_tokens", "decoder/embeddings")
    state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
    return state


def generation_of(settings: dict, tokens: dict[str, int]) -> GenerationConfig:
    languages = {token: id for token, id in tokens.items() if id in settings["lang_ids"]}
    return GenerationConfig(
        decoder_start_token_id=tokens["<|startoftranscript|>"],
        bos_token_id=tokens["<|endoftext|>"],
        eos_token_id=tokens["<|endoftext|>"],
        pad_token_id=tokens["<|endoftext|>"],
        max_length=448,
        is_multilingual=True,
        lang_to_id=languages,
        task_to_id={task: tokens[f"<|{task}|>"] for task in ("transcribe", "translate")},
        no_timestamps_token_id=tokens["<|notimestamps|>"],
        prev_sot_token_id=tokens["<|startofprev|>"],
        max_initial_timestamp_index=50,
        return_timestamps=False,
        suppress_tokens=settings["suppress_ids"],
        begin_suppress_tokens=settings["suppress_ids_begin"],
        alignment_heads=settings["alignment_heads"],
    )


def make_whisper_folder(weights: Path, settings_file: Path, tokenizer_file: Path, out: Path) -> None:
    variables = read_variables(weights)
    width = variables["encoder/layer_norm/gamma"].shape[0]
    layers = sum(name.startswith("encoder/layer_") and name.endswith("/ffn/linear_0/weight") for name in variables)
    vocabulary = variables["decoder/embeddings/weight"].shape[0]
    heads = width // 64
    config = WhisperConfig(
        d_model=width, encoder_layers=layers, decoder_layers=layers, vocab_size=vocabulary,
        encoder_attention_heads=heads, decoder_attention_heads=heads, encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width,
        dropout=0.0, use_cache=True,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    model.load_state_dict(state_of(variables, width, layers))
    tokenizer = json.loads(tokenizer_file.read_text())
    tokens = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    model.generation_config = generation_of(json.loads(settings_file.read_text()), tokens)
    model.save_pretrained(out)
    WhisperFeatureExtractor().save_pretrained(out)
    (out / "tokenizer.json").write_text(tokenizer_file.read_text())
    special = {f"{kind}_token": "<|endoftext|>" for kind in ("bos", "eos", "pad", "unk")}
    (out / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "WhisperTokenizer", **special}))

"""Makes the decoders in models/: architectures as their real exporters write them, with random weights.

Needs torch, transformers 4.57, optimum-onnx 0.1 and, for the fused form, onnxruntime-genai 0.15 with transformers 5:
  python make.py plain FOLDER    text-generation-with-past by optimum
  python make.py fused FOLDER    GroupQueryAttention by onnxruntime-genai's builder, float32 and int4
  python make.py speech FOLDER   decoders of Whisper's kind that were exported for one number of encoder states
  python make.py pair FOLDER     an encoder and decoders of Whisper's kind as optimum exports them: any number of states
  python make.py torch FOLDER    by-torch.json: what the plain ones say in PyTorch, of all tokens and of some
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers as t

common = dict(vocab_size=96, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4)
grouped = dict(common, num_key_value_heads=2, max_position_embeddings=64)

models = {
    # rotary positions, grouped heads
    "llama": lambda: t.LlamaForCausalLM(t.LlamaConfig(**grouped)),
    # norms of queries and keys, heads wider than the stream
    "qwen3": lambda: t.Qwen3ForCausalLM(t.Qwen3Config(**grouped, head_dim=8)),
    # learned positions, Gemm on flattened tokens
    "gpt2": lambda: t.GPT2LMHeadModel(t.GPT2Config(vocab_size=96, n_embd=16, n_layer=2, n_head=4, n_positions=64)),
    # layers that see a window only, norms on either side
    "gemma3": lambda: t.Gemma3ForCausalLM(
        t.Gemma3TextConfig(**dict(grouped, num_key_value_heads=1), head_dim=8, sliding_window=8, sliding_window_pattern=2)
    ),
    # attention and feed-forward side by side
    "phi": lambda: t.PhiForCausalLM(t.PhiConfig(**common, max_position_embeddings=64)),
    # distances added to the scores, heads folded into the batch
    "bloom": lambda: t.BloomForCausalLM(t.BloomConfig(vocab_size=96, hidden_size=16, n_layer=2, n_head=4)),
    # one head of keys and values for all queries
    "falcon": lambda: t.FalconForCausalLM(
        t.FalconConfig(vocab_size=96, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64)
    ),
}


def model(name):
    torch.manual_seed(1)
    made = models[name]().eval()
    for parameter in made.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    return made


def plain(folder):
    from optimum.exporters.onnx import onnx_export_from_model

    for name in models:
        with tempfile.TemporaryDirectory() as scratch:
            onnx_export_from_model(model(name), scratch, opset=18, task="text-generation-with-past", do_validation=False)
            shutil.copy(os.path.join(scratch, "model.onnx"), os.path.join(folder, f"{name}.onnx"))


def fused(folder):
    import onnx
    from tokenizers import Tokenizer, models as kinds

    # The builder needs head sizes that its kernels take.
    torch.manual_seed(1)
    config = dict(grouped, hidden_size=32, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2, head_dim=16)
    made = t.LlamaForCausalLM(t.LlamaConfig(**config, bos_token_id=1, eos_token_id=2, pad_token_id=0)).eval()
    with tempfile.TemporaryDirectory() as scratch:
        made.save_pretrained(scratch)
        words = {f"w{i}": i for i in range(96)}
        tokenizer = t.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(kinds.WordLevel(words, "w0")), eos_token="w2")
        tokenizer.save_pretrained(scratch)
        for precision in ("fp32", "int4"):
            out = os.path.join(scratch, precision)
            command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-m", "x", "-i", scratch, "-o", out]
            subprocess.run([*command, "-p", precision, "-e", "cpu"], check=True)
            loaded = onnx.load(os.path.join(out, "model.onnx"))
            onnx.save(loaded, os.path.join(folder, f"llama-fused-{precision}.onnx"), save_as_external_data=False)


class OwnMask(torch.nn.Module):
    """Logits of all tokens, by a causal mask of its own: what transformers makes one with cannot be traced."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, states):
        place = torch.arange(ids.shape[1])
        mask = torch.where(place[None] <= place[:, None], 0.0, -1e9)[None, None]
        return self.model.proj_out(
            self.model.model.decoder(
                input_ids=ids, attention_mask=mask, encoder_hidden_states=states, use_cache=False
            ).last_hidden_state
        )


def speech(folder):
    import onnx
    from optimum.exporters.onnx import main_export
    from optimum.exporters.onnx.model_configs import WhisperOnnxConfig

    torch.manual_seed(1)
    sizes = dict(vocab_size=96, d_model=16, num_mel_bins=8, max_target_positions=32, suppress_tokens=None)
    layers = dict(encoder_layers=1, decoder_layers=2, encoder_ffn_dim=32, decoder_ffn_dim=32)
    heads = dict(encoder_attention_heads=4, decoder_attention_heads=4)
    tokens = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, begin_suppress_tokens=None)
    made = t.WhisperForConditionalGeneration(t.WhisperConfig(**sizes, **layers, **heads, **tokens)).eval()
    for parameter in made.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)

    # Dynamo builds all sizes in but those that are said to be free.
    inputs = (torch.randint(3, 90, (1, 5)), torch.randn(1, 30, 16))
    names = dict(input_names=["input_ids", "encoder_hidden_states"], output_names=["logits"])
    free = ({1: torch.export.Dim("tokens", min=1, max=32)}, {})
    out = os.path.join(folder, "whisper-fixed.onnx")
    torch.onnx.export(OwnMask(made), inputs, out, **names, dynamic_shapes=free, opset_version=18, external_data=False)
    written = onnx.load(out)
    for described in [*written.graph.node, *written.graph.value_info, *written.graph.input, *written.graph.output]:
        del described.metadata_props[:]
    onnx.save(written, out)

    class Fixed(WhisperOnnxConfig):
        """The number of states is not said to be free."""

        inputs = property(lambda self: without_states(super().inputs))
        outputs = property(lambda self: without_states(super().outputs))

    def without_states(axes):
        return {
            name: {axis: size for axis, size in own.items() if not str(size).startswith("encoder_sequence_length")}
            for name, own in axes.items()
        }

    with tempfile.TemporaryDirectory() as scratch:
        source, exported = os.path.join(scratch, "source"), os.path.join(scratch, "exported")
        made.save_pretrained(source)
        t.WhisperFeatureExtractor(feature_size=8).save_pretrained(source)
        config = Fixed(config=made.config, task="automatic-speech-recognition")
        parts = dict(
            encoder_model=config.with_behavior("encoder"),
            decoder_model=config.with_behavior("decoder", use_past=True, use_past_in_inputs=False),
            decoder_with_past_model=config.with_behavior("decoder", use_past=True, use_past_in_inputs=True),
        )
        task = "automatic-speech-recognition-with-past"
        main_export(source, exported, task=task, do_validation=False, custom_onnx_configs=parts)
        merged = os.path.join(exported, "decoder_model_merged.onnx")
        shutil.copy(merged, os.path.join(folder, "whisper-merged-fixed.onnx"))


def pair(folder):
    from optimum.exporters.onnx import main_export

    torch.manual_seed(2)
    sizes = dict(vocab_size=96, d_model=16, num_mel_bins=8, max_target_positions=32, suppress_tokens=None)
    layers = dict(encoder_layers=2, decoder_layers=2, encoder_ffn_dim=32, decoder_ffn_dim=32)
    heads = dict(encoder_attention_heads=4, decoder_attention_heads=4)
    tokens = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, begin_suppress_tokens=None)
    made = t.WhisperForConditionalGeneration(t.WhisperConfig(**sizes, **layers, **heads, **tokens)).eval()
    for name, parameter in made.named_parameters():
        # Norms have weights of their own, as trained ones have.
        around = 1.0 if "norm.weight" in name else 0.0
        torch.nn.init.normal_(parameter, mean=around, std=0.3 if parameter.dim() == 1 else 0.2)
    with tempfile.TemporaryDirectory() as scratch:
        source, exported = os.path.join(scratch, "source"), os.path.join(scratch, "exported")
        made.save_pretrained(source)
        t.WhisperFeatureExtractor(feature_size=8).save_pretrained(source)
        main_export(source, exported, task="automatic-speech-recognition-with-past", do_validation=False)
        files = dict(encoder="encoder_model", decoder="decoder_model", merged="decoder_model_merged")
        for name, file in dict(files, past="decoder_with_past_model").items():
            shutil.copy(os.path.join(exported, f"{file}.onnx"), os.path.join(folder, f"whisper-{name}.onnx"))


PROMPT = [3 + (31 + i * i * 7) % 90 for i in range(12)]
NEXT = 3 + 31 * 2 % 90
KEPT = [0, 1, 8, 9, 10, 11]


def said(name, kept):
    """Logits after a prompt and after one token more, where layers after the first compute the kept tokens alone."""
    made = model(name)
    made.set_attn_implementation("eager")
    layers = made.transformer.h if hasattr(made, "transformer") else made.model.layers
    n, m = len(PROMPT), len(kept)

    def some(value):
        """What a layer is given of the kept tokens: states, rotations, positions, mask."""
        if isinstance(value, tuple):
            return tuple(map(some, value))
        if not isinstance(value, torch.Tensor):
            return value
        if value.dim() == 4 and value.shape[-1] == n:
            return value[:, :, kept][..., kept]
        if value.dim() == 4 and value.shape[-1] == n + 1:
            return value[..., -m - 1 :]
        if value.dim() == 1 and len(value) == n:
            return value[kept]
        return value[:, kept] if value.dim() > 1 and value.shape[1] == n else value

    def all_again(_, __, result):
        """States in the places that their tokens have in the prompt, so that the last one is where it is looked for."""
        states = result[0] if isinstance(result, tuple) else result
        if states.shape[1] == 1:
            return result
        full = torch.zeros(1, n, states.shape[2])
        full[:, kept] = states
        return (full, *result[1:]) if isinstance(result, tuple) else full

    later = lambda _, args, named: (some(args), {name: some(value) for name, value in named.items()})
    layers[1].register_forward_pre_hook(later, with_kwargs=True)
    layers[-1].register_forward_hook(all_again)
    with torch.no_grad():
        prompt = made(torch.tensor([PROMPT]), attention_mask=torch.ones(1, n, dtype=torch.long), use_cache=True)
        mask = torch.ones(1, n + 1, dtype=torch.long)
        step = made(torch.tensor([[NEXT]]), attention_mask=mask, past_key_values=prompt.past_key_values)
    return [[float(f"{x:.7g}") for x in answer.logits[0, -1].tolist()] for answer in (prompt, step)]


def by_torch(folder):
    names = ("falcon", "gemma3", "gpt2", "llama", "phi", "qwen3")
    found = {name: {"all": said(name, list(range(len(PROMPT)))), "some": said(name, KEPT)} for name in names}
    with open(os.path.join(folder, "by-torch.json"), "w") as file:
        json.dump(found, file)


{"plain": plain, "fused": fused, "speech": speech, "pair": pair, "torch": by_torch}[sys.argv[1]](sys.argv[2])

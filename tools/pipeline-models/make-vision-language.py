"""Makes the folders smolvlm and llava in fixtures/: models of images and text in the layout of transformers.js, tiny, with random weights.

Needs torch 2.13, transformers 5.24 and onnx 1.23:
  python make-vision-language.py FOLDER
  python make-vision-language.py FOLDER large   only smolvlm, with the sizes of SmolVLM-256M, to be timed
"""
import json
import math
import os
import sys
import warnings

import onnx
import torch
import transformers as t

warnings.filterwarnings("ignore")

TEXT = dict(
    vocab_size=32,
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=256,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
VISION = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=32, patch_size=4)
MARKS = ["<image>", "<fake_token_around_image>", "<global-img>", *(f"<row_{r}_col_{c}>" for r in (1, 2) for c in (1, 2))]
# Of a mask that hides nothing transformers 4 made none while it was traced; so the published files have none between the layers.
t.models.smolvlm.modeling_smolvlm.create_bidirectional_mask = lambda **_: None


def embed(self, pixel_values, patch_attention_mask):
    """Patches of whole images, whose positions are 0, 1, 2 …: buckets of fractional ones come out of the exporter as floats."""
    positions = torch.where(patch_attention_mask.flatten(1), torch.arange(self.num_positions), 0)
    return self.patch_embedding(pixel_values).flatten(2).transpose(1, 2) + self.position_embedding(positions)


t.models.smolvlm.modeling_smolvlm.SmolVLMVisionEmbeddings.forward = embed
WORDS = ["<pad>", "<s>", "</s>", "<unk>", "\n", *MARKS, *(f"w{i}" for i in range(32 - 5 - len(MARKS)))]
IMAGE = WORDS.index("<image>")


def smolvlm():
    """SigLIP's patches, of which 2 × 2 become one token, joined along the channels."""
    config = t.SmolVLMConfig(
        vision_config=VISION, text_config=dict(TEXT, model_type="llama"), scale_factor=2, image_token_id=IMAGE
    )
    return t.SmolVLMForConditionalGeneration(config)


def large():
    """The sizes of SmolVLM-256M: 1,024 patches become 64 tokens."""
    vision = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=512, patch_size=16)
    text = dict(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3)
    config = t.SmolVLMConfig(
        vision_config=vision,
        text_config=dict(TEXT, **text, vocab_size=49280, max_position_embeddings=8192, model_type="llama"),
        scale_factor=4,
        image_token_id=IMAGE,
    )
    return t.SmolVLMForConditionalGeneration(config)


def llava():
    """CLIP's patches without the class token, of the last layer but one, a token each."""
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**VISION, projection_dim=16),
        text_config=t.LlamaConfig(**TEXT),
        image_token_index=IMAGE,
        vision_feature_layer=-2,
    )
    return t.LlavaForConditionalGeneration(config)


class Vision(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values, pixel_attention_mask=None):
        if pixel_attention_mask is None:
            states = self.model.model.vision_tower(pixel_values, output_hidden_states=True).hidden_states
            return self.model.model.multi_modal_projector(states[-2][:, 1:])
        # As get_image_features does, but for what cannot be traced: an empty image that is kept where there is no other, and unfold.
        pixels = pixel_values.view(-1, *pixel_values.shape[2:])
        isReal = (pixels == 0).sum(dim=(-1, -2, -3)) != pixels.shape[1:].numel()
        mask = pixel_attention_mask.view(-1, *pixel_attention_mask.shape[2:])[isReal]
        side = self.model.config.vision_config.patch_size
        patches = mask.view(-1, mask.shape[1] // side, side, mask.shape[2] // side, side).sum(dim=(2, 4)) > 0
        states = self.model.model.vision_model(pixel_values=pixels[isReal], patch_attention_mask=patches).last_hidden_state
        return self.model.model.connector(states)


class Decoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.language, self.head = model.model.language_model if hasattr(model.model, "language_model") else model.model.text_model, model.lm_head

    def forward(self, inputs_embeds, attention_mask, position_ids, *past):
        cache = t.DynamicCache()
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        # A causal mask of its own: what transformers makes one with cannot be traced.
        total, length = attention_mask.shape[1], inputs_embeds.shape[1]
        place = torch.arange(total)
        sees = (place[None] <= place[total - length :, None])[None, None] & (attention_mask[:, None, None] > 0)
        mask = torch.where(sees, 0.0, -1e9)
        out = self.language(
            inputs_embeds=inputs_embeds, attention_mask=mask, position_ids=position_ids, past_key_values=cache, use_cache=True
        )
        present = [value for layer in cache.layers for value in (layer.keys, layer.values)]
        return self.head(out.last_hidden_state), *present


def export(module, inputs, path, names, outputs, axes):
    torch.onnx.export(
        module, inputs, path, input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=18, dynamo=False
    )
    onnx.save(onnx.shape_inference.infer_shapes(onnx.load(path)), path)


PROCESSORS = dict(
    smolvlm={
        "processor_config.json": dict(processor_class="SmolVLMProcessor", image_seq_len=16),
        "preprocessor_config.json": dict(
            image_processor_type="Idefics3ImageProcessor",
            processor_class="SmolVLMProcessor",
            size=dict(longest_edge=64),
            max_image_size=dict(longest_edge=32),
            do_image_splitting=True,
        ),
    },
    llava={
        "processor_config.json": dict(
            processor_class="LlavaProcessor", image_token="<image>", num_additional_image_tokens=0, patch_size=4
        ),
        "preprocessor_config.json": dict(
            image_processor_type="CLIPImageProcessor",
            processor_class="LlavaProcessor",
            size=dict(shortest_edge=32),
            do_center_crop=True,
            crop_size=dict(height=32, width=32),
        ),
    },
)
STEPS = dict(do_resize=True, do_rescale=True, do_normalize=True, image_mean=[0.5] * 3, image_std=[0.5] * 3)


def main(root, size="small"):
    for name, make in (dict(smolvlm=large) if size == "large" else dict(smolvlm=smolvlm, llava=llava)).items():
        torch.manual_seed(1)
        model = make().eval()
        model.set_attn_implementation("eager")
        for parameter in model.parameters() if size == "small" else ():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.2)
        folder = os.path.join(root, name)
        os.makedirs(os.path.join(folder, "onnx"), exist_ok=True)
        config = dict(model.config.to_diff_dict(), architectures=[type(model).__name__])
        files = {**PROCESSORS[name], "config.json": config, **tokenizer()}
        files["preprocessor_config.json"].update(STEPS)
        with torch.no_grad():
            write(name, model, lambda file: os.path.join(folder, "onnx", file + ".onnx"))
            if size == "small":
                files["by-torch.json"] = by_torch(name, model)
            else:
                files["processor_config.json"]["image_seq_len"] = 64
        for file, content in files.items():
            with open(os.path.join(folder, file), "w") as opened:
                json.dump(content, opened)


def tokenizer():
    added = [dict(id=WORDS.index(word), content=word, special=True) for word in ["<pad>", "<s>", "</s>", "<unk>", *MARKS]]
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False)
    return {
        "tokenizer.json": dict(
            version="1.0",
            normalizer=None,
            post_processor=None,
            decoder=None,
            added_tokens=[{**own, **flags} for own in added],
            pre_tokenizer=dict(type="WhitespaceSplit"),
            model=dict(type="WordLevel", vocab={word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"),
        ),
        "tokenizer_config.json": dict(
            tokenizer_class="PreTrainedTokenizerFast", pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
        ),
    }


def by_torch(name, model):
    """What PyTorch says of two images: the image tokens that each method keeps, and the logits of a prompt with these alone."""
    pixels = torch.tensor([math.sin(0.7 * i + i * i * 0.013) for i in range(2 * 3 * 32 * 32)]).view(2, 3, 32, 32)
    isTiled = name == "smolvlm"
    if isTiled:
        states = model.model.vision_model(pixels, torch.ones(2, 8, 8, dtype=torch.bool), output_attentions=True)
        features = model.model.connector(states.last_hidden_state)
        received = states.attentions[-1].mean((1, 2))
        # Its own pixel shuffle, of scores.
        scores = {"received-attention": model.model.connector.pixel_shuffle(received[..., None], 2).mean(-1)}
    else:
        states = model.model.vision_tower(pixels, output_hidden_states=True, output_attentions=True)
        features = model.model.multi_modal_projector(states.hidden_states[-2][:, 1:])
        attention = states.attentions[-2]
        scores = {
            "received-attention": attention.mean((1, 2))[:, 1:],
            "cls-attention": attention[:, :, 0, 1:].mean(1),
        }
    count = features.shape[1]
    keep = {own: score.topk(count // 2).indices.sort().values for own, score in scores.items()}
    received = scores["received-attention"]
    keep["div-prune"] = torch.stack([divprune(own, count // 2) for own in features])
    if count // 2 <= features.shape[-1]:  # Beyond that what is left of any token is rounding.
        keep["dpp"] = torch.stack([dpp(own, count // 2) for own in features])
    keep["id-pruner"] = torch.stack([idpruner(*own, count // 2) for own in zip(features, received)])
    keep["vis-pruner"] = torch.stack([vispruner(*own, count // 2) for own in zip(features, received)])
    keep["none"] = torch.arange(count).expand(2, -1)
    said = dict(kept={own: indices.tolist() for own, indices in keep.items()}, logits={})
    rows = {own: torch.cat([features[i][indices[i]] for i in range(2)]) for own, indices in keep.items()}
    side = int(count**0.5)
    grid = features.transpose(1, 2).unflatten(2, (side, side))
    rows["pool"] = torch.nn.functional.avg_pool2d(grid, (1, 2)).flatten(2).transpose(1, 2).flatten(0, 1)
    for own, values in rows.items():
        ids = torch.tensor([[1, 20, *[IMAGE] * len(values), 21, 22]])
        embeds = model.get_input_embeddings()(ids)
        embeds[ids == IMAGE] = values
        language = model.model.text_model if isTiled else model.model.language_model
        logits = model.lm_head(language(inputs_embeds=embeds).last_hidden_state)[0, -1]
        if own == "none":
            images = dict(pixel_values=pixels[None], pixel_attention_mask=torch.ones(1, 2, 32, 32, dtype=torch.bool)) if isTiled else dict(pixel_values=pixels)
            torch.testing.assert_close(logits, model(input_ids=ids, **images).logits[0, -1])
        said["logits"][own] = logits.tolist()
    return said


def divprune(features, count):
    """The steps of the authors' code: github.com/vbdi/divprune, Apache-2.0."""
    unit = features / features.norm(dim=1, keepdim=True)
    distance = 1 - unit @ unit.T
    chosen = []
    for _ in range(count):
        nearest = distance[chosen].min(0).values if chosen else distance.topk(2, dim=0, largest=False).values[1]
        chosen.append(int(nearest.argmax()))
    return torch.tensor(sorted(chosen))


def dpp(features, count):
    """The steps of the authors' code, github.com/Theia-4869/CDPruner, Apache-2.0, with a relevance of 1."""
    unit = features / features.norm(dim=1, keepdim=True)
    kernel = unit @ unit.T
    rest, updates, chosen = torch.ones(len(unit)), torch.zeros(0, len(unit)), []
    for _ in range(count):
        j = int(rest.argmax())
        update = (kernel[j] - updates[:, j] @ updates) / rest[j].sqrt()
        updates = torch.cat([updates, update[None]])
        rest = rest - update**2
        rest[chosen := [*chosen, j]] = -torch.inf
    return torch.tensor(sorted(chosen))


def idpruner(features, scores, count, balance=0.5):
    """The steps of the authors' code, github.com/Tencent/AngelSlim, Apache-2.0, with another importance."""
    unit = features / (features.norm(dim=-1, keepdim=True) + 1e-8)
    similarity, importance = unit @ unit.T, (scores - scores.min()) / (scores.max() - scores.min() + 1e-6)
    chosen, nearest = [], None
    for _ in range(count):
        gain = importance.clone() if nearest is None else balance * importance - (1 - balance) * nearest
        gain[chosen] = -torch.inf
        chosen.append(int(gain.argmax()))
        own = similarity[chosen[-1]]
        nearest = own if nearest is None else torch.maximum(nearest, own)
    return torch.tensor(sorted(chosen))


def vispruner(features, scores, count, ratio=0.5):
    """The steps of the authors' code, github.com/Theia-4869/VisPruner, Apache-2.0; it removes from lists of even length alone."""
    important = int(count * ratio)
    order = scores.argsort(descending=True)
    left, unit = order[important:], features / features.norm(dim=-1, keepdim=True)
    while (removed := min(8, len(left) // 2, len(left) - count + important)) > 0:
        first, second = left[::2], left[1::2]
        likest = (unit[first] @ unit[second].T).max(-1).values
        left = torch.cat([first[likest.argsort(descending=True)[removed:]], second])
    return torch.cat([order[:important], left]).sort().values


def write(name, model, at):
    isTiled = name == "smolvlm"
    side = model.config.vision_config.image_size
    pixels = torch.randn(1, 2, 3, side, side) if isTiled else torch.randn(2, 3, side, side)
    tiles = {0: "batch_size", 1: "num_images"} if isTiled else {0: "batch_size"}
    feeds = (pixels, torch.ones(1, 2, side, side, dtype=torch.bool)) if isTiled else (pixels,)
    names = ["pixel_values", "pixel_attention_mask"][: len(feeds)]
    axes = {**{own: tiles for own in names}, "image_features": {0: "num_image_features"}}
    export(Vision(model), feeds, at("vision_encoder"), names, ["image_features"], axes)
    ids = torch.tensor([[1, 14, 15]])
    tokens = {0: "batch_size", 1: "sequence_length"}
    embed = model.get_input_embeddings()
    export(embed, (ids,), at("embed_tokens"), ["input_ids"], ["inputs_embeds"], dict(input_ids=tokens, inputs_embeds=tokens))
    kinds = [f"{layer}.{kind}" for layer in range(model.config.text_config.num_hidden_layers) for kind in ("key", "value")]
    past, present = [f"past_key_values.{own}" for own in kinds], [f"present.{own}" for own in kinds]
    cached = {0: "batch_size", 2: "past_sequence_length"}
    axes = dict(
        inputs_embeds=tokens,
        attention_mask={0: "batch_size", 1: "total_sequence_length"},
        position_ids=tokens,
        logits=tokens,
        **{own: cached for own in past},
        **{own: {0: "batch_size", 2: "total_sequence_length"} for own in present},
    )
    text = model.config.text_config
    heads, width = text.num_key_value_heads, text.hidden_size // text.num_attention_heads
    feeds = (embed(ids), torch.ones(1, 5, dtype=torch.long), torch.tensor([[2, 3, 4]]), *(torch.randn(1, heads, 2, width) for _ in past))
    export(Decoder(model), feeds, at("decoder_model_merged"), ["inputs_embeds", "attention_mask", "position_ids", *past], ["logits", *present], axes)


main(*sys.argv[1:])

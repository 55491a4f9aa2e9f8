"""Small models with random weights, by name: how each is made, what it is fed, and whether token pruning has to refuse it."""
import torch
import transformers as t

from heads import TorchEncoder

FAMILIES = {}
SMALL = dict(hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48)
TEXT = dict(SMALL, vocab_size=99, pad_token_id=0)
GROUPED = dict(TEXT, num_key_value_heads=2, head_dim=8, max_position_embeddings=64)
IMAGE = dict(SMALL, image_size=32, patch_size=8, num_channels=3)
SOUND = dict(
    SMALL, conv_dim=(8, 8), conv_stride=(5, 4), conv_kernel=(10, 8), num_feat_extract_layers=2, num_conv_pos_embeddings=8,
    num_conv_pos_embedding_groups=4, vocab_size=20, classifier_proj_size=16, pad_token_id=0,
)
D_MODEL = dict(d_model=32, encoder_layers=3, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48)
GPT2 = dict(n_embd=32, n_layer=3, n_head=4)
T5 = dict(d_model=32, d_kv=8, d_ff=48, num_layers=3, num_heads=4)
STAGES = dict(hidden_sizes=[16, 32], depths=[1, 1], num_encoder_blocks=2, sr_ratios=[2, 1], num_attention_heads=[1, 2], mlp_ratios=[2, 2], patch_sizes=[7, 3], strides=[4, 2])
SWIN = dict(image_size=32, num_channels=3, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=2, patch_size=4)
SERIES = dict(d_model=32, num_hidden_layers=3, num_attention_heads=4, ffn_dim=48, context_length=64, patch_length=8, patch_stride=8, num_input_channels=2)
NO_DROPOUT = dict(encoder_layerdrop=0.0)


def add(name, model, own=None, base=None, kind="text", part=None, **facts):
    """`part`: an attribute of the model that is exported alone; `facts`: attn, refused, pad, eos, tokens, size, frames, inputs, wrap, layers."""

    def make(attention, of=None):
        cls = getattr(t, of or model)
        config = cls.config_class(**{**(base or {}), **(own or {})})
        config._attn_implementation = attention
        try:
            config.num_labels = 3
        except (AttributeError, NotImplementedError):
            pass
        made = cls(config)
        return getattr(made, part) if part else made

    FAMILIES[name] = dict(make=make, model=None if part else model, kind=kind, attn=facts.pop("attn", "eager" if facts.get("refused") else "sdpa"), **facts)


def text(name, model, own=None, base=TEXT, **facts):
    add(name, model, own, base, **facts)


def image(name, model, own=None, base=IMAGE, **facts):
    add(name, model, own, base, kind="image", **facts)


def sound(name, model, own=None, base=SOUND, **facts):
    add(name, model, own, base, kind="sound", **facts)


def values(name, model, own, inputs, **facts):
    add(name, model, own, kind="values", inputs=inputs, **facts)


ONE = dict(pad=1, own=dict(pad_token_id=1))
E_ = dict(attn="eager")

# Encoders of texts: classifiers, taggers, states.
text("bert-cls", "BertForSequenceClassification")
text("roberta-cls", "RobertaForSequenceClassification", **ONE)
text("xlm-roberta-xl-cls", "XLMRobertaXLForSequenceClassification", **ONE)
text("camembert-tok", "CamembertForTokenClassification", **ONE)
text("electra-cls", "ElectraForSequenceClassification", dict(embedding_size=16))
text("deberta-cls", "DebertaForSequenceClassification", dict(relative_attention=True, pos_att_type=["c2p", "p2c"], max_relative_positions=32), refused=True)
text("deberta-v2-tok", "DebertaV2ForTokenClassification", dict(relative_attention=True, pos_att_type=["c2p", "p2c"], position_buckets=8, norm_rel_ebd="layer_norm", share_att_key=True), **E_)
text("mpnet-states", "MPNetModel", **ONE, **E_)
text("distilbert-cls", "DistilBertForSequenceClassification", dict(dim=32, n_layers=3, n_heads=4, hidden_dim=48))
text("albert-cls", "AlbertForSequenceClassification", dict(embedding_size=16))
text("mobilebert-cls", "MobileBertForSequenceClassification", dict(embedding_size=16, intra_bottleneck_size=32), **E_)
text("squeezebert-cls", "SqueezeBertForSequenceClassification", dict(embedding_size=32), refused=True)
text("layoutlm-cls", "LayoutLMForSequenceClassification", **E_)
text("lilt-cls", "LiltForSequenceClassification", dict(pad_token_id=1, channel_shrink_ratio=2, hidden_size=48), pad=1, refused=True)
text("markuplm-states", "MarkupLMModel", dict(pad_token_id=1, max_depth=4, xpath_unit_hidden_size=8), pad=1, **E_)
text("ibert-cls", "IBertForSequenceClassification", **ONE, **E_)
text("yoso-cls", "YosoForSequenceClassification", refused=True)
text("mra-cls", "MraForSequenceClassification", refused=True)
text("convbert-cls", "ConvBertForSequenceClassification", dict(embedding_size=16), refused=True)
text("funnel-cls", "FunnelForSequenceClassification", dict(block_sizes=[1, 2], d_model=32, n_head=4, d_head=8, d_inner=48, vocab_size=99), base={}, refused=True)
text("big-bird-full-cls", "BigBirdForSequenceClassification", dict(attention_type="original_full"), **E_)
text("longformer-cls", "LongformerForSequenceClassification", dict(attention_window=[8] * 3, pad_token_id=1), pad=1, refused=True)
text("megatron-bert-cls", "MegatronBertForSequenceClassification", **E_)
text("ernie-cls", "ErnieForSequenceClassification")
text("data2vec-text-cls", "Data2VecTextForSequenceClassification", **ONE)
text("flaubert-cls", "FlaubertForSequenceClassification", dict(emb_dim=32, n_layers=3, n_heads=4, pad_index=0), **E_)
text("xlm-cls", "XLMForSequenceClassification", dict(emb_dim=32, n_layers=3, n_heads=4, pad_index=0), **E_)
text("xlnet-cls", "XLNetForSequenceClassification", dict(d_model=32, n_layer=3, n_head=4, d_inner=48), **E_)
text("xlnet-states", "XLNetModel", dict(d_model=32, n_layer=3, n_head=4, d_inner=48), **E_)
text("roformer-cls", "RoFormerForSequenceClassification", dict(embedding_size=32), **E_)
text("rembert-cls", "RemBertForSequenceClassification", dict(input_embedding_size=16), **E_)
text("luke-states", "LukeModel", dict(entity_vocab_size=10, entity_emb_size=8), **E_)
for pooling in ("cls", "mean"):
    text(f"modernbert-{pooling}", "ModernBertForSequenceClassification", dict(local_attention=8, num_hidden_layers=4, classifier_pooling=pooling), layers=4)
text("modernbert-tok", "ModernBertForTokenClassification", dict(local_attention=8, num_hidden_layers=4), layers=4)
for pooling in ("bos", "mean", "late"):
    text(f"eurobert-{pooling}", "EuroBertForSequenceClassification", dict(classifier_pooling=pooling), base=GROUPED)
text("eurobert-tok", "EuroBertForTokenClassification", base=GROUPED)
text("nomic-states", "NomicBertModel")
text("jina-v3-states", "JinaEmbeddingsV3Model")
text("esm-cls", "EsmForSequenceClassification", dict(position_embedding_type="rotary", mask_token_id=4, token_dropout=True, pad_token_id=1), pad=1)
text("esm-tok-1024", "EsmForTokenClassification", dict(position_embedding_type="rotary", mask_token_id=4, pad_token_id=1, max_position_embeddings=1026), pad=1, tokens=1024)
text("splinter-states", "SplinterModel", **E_)
text("roc-bert-cls", "RoCBertForSequenceClassification", dict(enable_pronunciation=False, enable_shape=False), **E_)
text("xmod-cls", "XmodForSequenceClassification", dict(pad_token_id=1, languages=["en_XX"], default_language="en_XX"), pad=1, refused=True)
text("canine-cls", "CanineForSequenceClassification", dict(local_transformer_stride=8, downsampling_rate=4, num_hash_buckets=32, upsampling_kernel_size=4), tokens=32, refused=True)
for name, model in (("t5", "T5"), ("mt5", "MT5"), ("umt5", "UMT5")):
    text(f"{name}-encoder", f"{model}EncoderModel", T5)
text("longt5-encoder", "LongT5EncoderModel", dict(T5, local_radius=4, encoder_attention_type="local"), refused=True)
text("bart-cls", "BartForSequenceClassification", dict(D_MODEL, eos_token_id=2, pad_token_id=1), pad=1, eos=2, refused=True)
for name, model in (("marian", "MarianModel"), ("m2m100", "M2M100Model"), ("pegasus", "PegasusModel")):
    text(f"{name}-encoder", model, dict(D_MODEL, pad_token_id=1, decoder_start_token_id=1, **NO_DROPOUT), pad=1, part="encoder")
text("bert-splade", "BertForMaskedLM", wrap="splade")
text("bge-m3", "XLMRobertaModel", wrap="sparse", refused=True, **ONE)
text("bert-colbert", "BertModel", wrap="late")
text("bert-gliner", "BertModel", wrap="words", refused=True)
text("bert-mean", "BertModel", wrap="mean")

# Causal stacks without caches, as encoders.
text("gpt2-cls", "GPT2ForSequenceClassification", GPT2)
text("gpt-neo-cls", "GPTNeoForSequenceClassification", dict(num_layers=3, num_heads=4, attention_types=[[["global", "global", "local"], 1]], window_size=4, max_position_embeddings=64), **E_)
text("gptj-cls", "GPTJForSequenceClassification", dict(GPT2, rotary_dim=4), **E_)
text("gpt-bigcode-states", "GPTBigCodeModel", GPT2)
text("codegen-states", "CodeGenModel", dict(GPT2, rotary_dim=4), **E_)
text("gpt-neox-states", "GPTNeoXModel")
text("opt-cls", "OPTForSequenceClassification", dict(ffn_dim=48, word_embed_proj_dim=32))
for name, model in (("bloom-cls", "BloomForSequenceClassification"), ("bloom-states", "BloomModel")):
    text(name, model, dict(n_layer=3, n_head=4), **E_)
text("falcon-states", "FalconModel", dict(alibi=False, new_decoder_architecture=False, multi_query=True))
for model in "Arcee Cohere Exaone4 Gemma Granite Llama Mistral Olmo2 Olmo3 Phi3 Qwen2 Qwen3 SmolLM3 Starcoder2".split():
    text(f"{model.lower()}-states", f"{model}Model", base=GROUPED)
for model in ("Qwen3", "Llama"):
    text(f"{model.lower()}-cls", f"{model}ForSequenceClassification", base=GROUPED)
text("qwen2-reranker", "Qwen2ForCausalLM", base=GROUPED, wrap="yes or no")
text("gemma2-states", "Gemma2Model", dict(sliding_window=6, attn_logit_softcapping=30.0), base=GROUPED, **E_)
text("gemma3-both-ways", "Gemma3TextModel", dict(use_bidirectional_attention=True, sliding_window=6), base=GROUPED)
text("lfm2-states", "Lfm2Model", dict(layer_types=["conv", "full_attention", "conv"]), base=GROUPED, refused=True)
text("phi-states", "PhiModel")
text("persimmon-states", "PersimmonModel")
text("stablelm-states", "StableLmModel", base={k: v for k, v in GROUPED.items() if k != "head_dim"})
text("biogpt-cls", "BioGptForSequenceClassification")
text("xglm-states", "XGLMModel", dict(d_model=32, ffn_dim=48, num_layers=3, attention_heads=4), **E_)
text("ctrl-states", "CTRLModel", dict(n_embd=32, dff=48, n_layer=3, n_head=4), **E_)
text("mpt-states", "MptModel", dict(d_model=32, n_layers=3, n_heads=4), refused=True)
text("modernbert-decoder-states", "ModernBertDecoderModel", dict(local_attention=8, num_hidden_layers=4), layers=4)
text("diffllama-states", "DiffLlamaModel", base=GROUPED, refused=True)
text("clip-text", "CLIPTextModelWithProjection", dict(projection_dim=16, eos_token_id=2, bos_token_id=1), eos=2)
text("siglip-text", "SiglipTextModel", dict(max_position_embeddings=12, projection_size=32), maskless=True)

# Images and videos.
for name, model in (("vit", "ViT"), ("dinov2", "Dinov2"), ("dinov2-registers", "Dinov2WithRegisters"), ("vit-msn", "ViTMSN"), ("ijepa", "IJepa")):
    image(f"{name}-cls", f"{model}ForImageClassification", dict(mlp_ratio=2) if "Dino" in model else None)
image("deit-cls", "DeiTForImageClassificationWithTeacher")
for name, model in (("beit", "Beit"), ("data2vec-vision", "Data2VecVision")):
    image(f"{name}-cls", f"{model}ForImageClassification", **E_)
image("dinov3-states", "DINOv3ViTModel", dict(num_register_tokens=4))
image("siglip-cls", "SiglipForImageClassification", dict(vision_config=dict(IMAGE)), base={})
for name, model in (("siglip", "Siglip"), ("owlvit", "OwlViT"), ("clipseg", "CLIPSeg"), ("mlcd", "MLCD"), ("aimv2", "Aimv2"), ("altclip", "AltCLIP"), ("internvl", "InternVL")):
    image(f"{name}-vision", f"{model}VisionModel")
image("blip-vision", "BlipVisionModel", **E_)
for name, model in (("clip", "CLIP"), ("metaclip2", "MetaClip2")):
    image(f"{name}-vision", f"{model}VisionModelWithProjection", dict(projection_dim=16))
image("hiera-cls", "HieraForImageClassification", dict(embed_dim=16, depths=[1, 2], num_heads=[1, 2], embed_dim_multiplier=2.0, query_stride=[2, 2], num_query_pool=1, masked_unit_size=[2, 2], masked_unit_attention=[True, False], patch_size=[7, 7], patch_stride=[4, 4], patch_padding=[3, 3], image_size=[32, 32]), refused=True)
for name, model in (("swin-cls", "SwinForImageClassification"), ("swinv2-cls", "Swinv2ForImageClassification"), ("donut-swin", "DonutSwinModel")):
    image(name, model, SWIN, base={}, refused=True)
image("focalnet-cls", "FocalNetForImageClassification", dict(image_size=32, embed_dim=16, depths=[1, 1], hidden_sizes=[16, 32], focal_levels=[2, 2], focal_windows=[3, 3]), base={}, refused=True)
image("poolformer-cls", "PoolFormerForImageClassification", dict(hidden_sizes=[8, 16], depths=[1, 1], num_encoder_blocks=2, patch_sizes=[7, 3], strides=[4, 2], padding=[2, 1]), base={}, refused=True)
image("pvt2-cls", "PvtV2ForImageClassification", dict(STAGES, image_size=32), refused=True)
image("segformer-cls", "SegformerForImageClassification", dict(STAGES, decoder_hidden_size=16), base={}, refused=True)
image("cvt-cls", "CvtForImageClassification", dict(patch_sizes=[7, 3], patch_stride=[4, 2], patch_padding=[2, 1], embed_dim=[16, 32], num_heads=[1, 2], depth=[1, 2], mlp_ratio=[2.0, 2.0], attention_drop_rate=[0.0, 0.0], drop_rate=[0.0, 0.0], drop_path_rate=[0.0, 0.0], qkv_bias=[True, True], cls_token=[False, True], qkv_projection_method=["dw_bn"] * 2, kernel_qkv=[3, 3], padding_kv=[1, 1], stride_kv=[2, 2], padding_q=[1, 1], stride_q=[1, 1]), base={}, refused=True)
image("mobilevit-cls", "MobileViTForImageClassification", dict(image_size=64, hidden_sizes=[16, 24, 32], neck_hidden_sizes=[8, 8, 16, 16, 24, 32, 64], num_attention_heads=2, patch_size=2), size=64, refused=True)
image("vit-mae", "ViTMAEModel", dict(mask_ratio=0.0), refused=True)
image("yolos-boxes", "YolosForObjectDetection", dict(image_size=[32, 32], num_detection_tokens=5, use_mid_position_embeddings=False))
image("dpt-depth", "DPTForDepthEstimation", dict(backbone_out_indices=[0, 1, 2, 3], num_hidden_layers=4, neck_hidden_sizes=[8] * 4, reassemble_factors=[4, 2, 1, 0.5], fusion_hidden_size=8, is_hybrid=False), layers=4, **E_)
image("sam-vision", "SamVisionModel", dict(window_size=2, global_attn_indexes=[1], output_channels=8, mlp_dim=48), refused=True)
image("videomae-cls", "VideoMAEForVideoClassification", dict(num_frames=4, tubelet_size=2), frames=4)
image("vivit-cls", "VivitForVideoClassification", dict(num_frames=4, tubelet_size=[2, 8, 8]), frames=4)
image("timesformer-cls", "TimesformerForVideoClassification", dict(num_frames=4), frames=4, refused=True)
image("detr", "DetrForObjectDetection", dict(D_MODEL, num_queries=5, use_timm_backbone=False, use_pretrained_backbone=False, backbone_config=t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, out_features=["stage4"])), base={}, size=128, **E_)

# Sounds and series.
for name, model in (("wav2vec2-ctc", "Wav2Vec2ForCTC"), ("hubert-cls", "HubertForSequenceClassification"), ("unispeech-cls", "UniSpeechForSequenceClassification"), ("unispeech-sat-cls", "UniSpeechSatForSequenceClassification")):
    sound(name, model)
sound("wavlm-cls", "WavLMForSequenceClassification", **E_)
sound("data2vec-audio-cls", "Data2VecAudioForSequenceClassification", dict(conv_pos_kernel_size=5, num_conv_pos_embeddings=2))
sound("sew-cls", "SEWForSequenceClassification", dict(squeeze_factor=2))
sound("wav2vec2-conformer-ctc", "Wav2Vec2ConformerForCTC", dict(conv_depthwise_kernel_size=5), refused=True)
values("ast-cls", "ASTForAudioClassification", dict(SMALL, max_length=64, num_mel_bins=32), dict(input_values=(2, 64, 32)))
values("whisper-encoder", "WhisperModel", dict(D_MODEL, num_mel_bins=16, max_source_positions=32, vocab_size=99, pad_token_id=0), dict(input_features=(2, 16, 64)), part="encoder")
values("w2v-bert-ctc", "Wav2Vec2BertForCTC", dict(SMALL, feature_projection_input_dim=16, conv_depthwise_kernel_size=5, vocab_size=20, pad_token_id=0), dict(input_features=(2, 40, 16)), refused=True)
values("patchtst-cls", "PatchTSTForClassification", dict(SERIES, use_cls_token=True, num_targets=3), dict(past_values=(2, 64, 2)))
values("patchtst-forecast", "PatchTSTForPrediction", dict(SERIES, prediction_length=8), dict(past_values=(2, 64, 2)))
values("patchtsmixer", "PatchTSMixerForPrediction", dict(d_model=16, num_layers=3, context_length=64, patch_length=8, patch_stride=8, num_input_channels=2, prediction_length=8), dict(past_values=(2, 64, 2)), refused=True)
# Families that are seldom asked for, or came later.
text("deberta-v2-conv-cls", "DebertaV2ForSequenceClassification", dict(relative_attention=True, pos_att_type=["c2p", "p2c"], position_buckets=8, norm_rel_ebd="layer_norm", share_att_key=True, conv_kernel_size=3, conv_act="gelu"), **E_)
text("perceiver-cls", "PerceiverForSequenceClassification", dict(d_model=32, d_latents=32, num_latents=8, num_blocks=1, num_self_attends_per_block=3, num_self_attention_heads=4, num_cross_attention_heads=4, max_position_embeddings=64), **E_)
text("layoutlmv3-text-cls", "LayoutLMv3ForSequenceClassification", dict(pad_token_id=1, visual_embed=False, coordinate_size=6, shape_size=4), pad=1, **E_)
text("dpr", "DPRContextEncoder", dict(projection_dim=16))
text("visual-bert-states", "VisualBertModel", **E_)
text("esm-c-states", "EsmcModel")
text("gte-states", "GteModel")
text("bert-generation-states", "BertGenerationEncoder")
text("privacy-filter-tok", "OpenAIPrivacyFilterForTokenClassification", base=GROUPED, refused=True)  # A sink stands beside the keys.
for name, model in (("mbart", "MBartModel"), ("blenderbot", "BlenderbotModel"), ("plbart", "PLBartModel")):
    text(f"{name}-encoder", model, dict(D_MODEL, pad_token_id=1, decoder_start_token_id=1, **NO_DROPOUT), pad=1, part="encoder")
text("led-encoder", "LEDModel", dict(D_MODEL, attention_window=[8] * 3, pad_token_id=1, decoder_start_token_id=1), pad=1, part="encoder", refused=True)
text("fsmt-encoder", "FSMTModel", dict(D_MODEL, langs=["en", "de"], src_vocab_size=99, tgt_vocab_size=99, pad_token_id=1, **NO_DROPOUT), base={}, pad=1, part="encoder", **E_)
text("prophetnet-encoder", "ProphetNetModel", dict(hidden_size=32, encoder_ffn_dim=48, num_encoder_layers=3, num_encoder_attention_heads=4, num_decoder_layers=2, num_decoder_attention_heads=4, decoder_ffn_dim=48, vocab_size=99, pad_token_id=0), base={}, part="encoder", **E_)
text("pegasus-x-encoder", "PegasusXModel", dict(D_MODEL, block_size=4, num_global_tokens=2, pad_token_id=1), pad=1, part="encoder", refused=True)
text("switch-encoder", "SwitchTransformersEncoderModel", dict(T5, num_sparse_encoder_layers=1, num_experts=2, expert_capacity=16), refused=True)
text("clap-text", "ClapTextModelWithProjection", dict(projection_dim=16, pad_token_id=1), pad=1, **E_)
text("blip-text", "BlipTextModel", dict(encoder_hidden_size=32, is_decoder=False), **E_)
text("owlvit-text", "OwlViTTextModel", dict(eos_token_id=2), eos=2)
text("openai-gpt-states", "OpenAIGPTModel", GPT2, **E_)
text("vaultgemma-states", "VaultGemmaModel", base=GROUPED, **E_)
for model in "Doge HunYuanDenseV1 Jais2 Ministral NanoChat Nemotron Olmo SeedOss".split():
    text(f"{model.lower()}-states", f"{model}Model", base=GROUPED)
for name, model in (("mamba", "MambaModel"), ("rwkv", "RwkvModel")):
    text(f"{name}-states", model, refused=True)
text("recurrent-gemma-states", "RecurrentGemmaModel", dict(num_hidden_layers=6), base=GROUPED, layers=6, refused=True)

for name, model in (("chinese-clip", "ChineseCLIPVisionModel"), ("blip2", "Blip2VisionModel"), ("owlv2", "Owlv2VisionModel")):
    image(f"{name}-vision", model)
image("clip-cls", "CLIPForImageClassification", dict(vision_config=dict(IMAGE)), base={})
image("pixio-states", "PixioModel", dict(mlp_ratio=2))
image("depth-anything", "DepthAnythingForDepthEstimation", dict(backbone_config=t.Dinov2Config(**IMAGE, mlp_ratio=2, out_indices=[1, 2, 3], reshape_hidden_states=False, apply_layernorm=True), reassemble_hidden_size=32, patch_size=8, reassemble_factors=[2, 1, 0.5], neck_hidden_sizes=[8, 8, 8], fusion_hidden_size=8, head_in_index=-1), base={}, **E_)
image("vitpose", "VitPoseForPoseEstimation", dict(backbone_config=t.VitPoseBackboneConfig(**dict(IMAGE, image_size=[32, 32], patch_size=[8, 8]), mlp_ratio=2, out_indices=[3]), num_labels=3), base={}, **E_)
image("beit-relative-cls", "BeitForImageClassification", dict(use_relative_position_bias=True, use_mean_pooling=False), **E_)
image("data2vec-shared-cls", "Data2VecVisionForImageClassification", dict(use_shared_relative_position_bias=True), **E_)
image("vitdet", "VitDetModel", dict(mlp_ratio=2, window_block_indices=[0, 1], window_size=2), refused=True)
image("groupvit-vision", "GroupViTVisionModel", dict(depths=[1, 1, 1], num_group_tokens=[4, 2, 0], num_output_groups=[4, 2, 0]), layers=1, **E_)
image("pvt-cls", "PvtForImageClassification", dict(image_size=32, num_encoder_blocks=2, depths=[1, 1], sequence_reduction_ratios=[2, 1], hidden_sizes=[16, 32], patch_sizes=[4, 2], strides=[4, 2], num_attention_heads=[1, 2], mlp_ratios=[2, 2]), base={}, refused=True)
image("segformer-masks", "SegformerForSemanticSegmentation", dict(STAGES, decoder_hidden_size=16), base={}, refused=True)
image("glpn-depth", "GLPNForDepthEstimation", dict(STAGES, decoder_hidden_size=16), base={}, refused=True)
image("maskformer-swin", "MaskFormerSwinModel", SWIN, base={}, refused=True)
image("swiftformer-cls", "SwiftFormerForImageClassification", dict(image_size=64, depths=[1, 1, 1, 1], embed_dims=[8, 16, 24, 32]), base={}, size=64, refused=True)
image("sam-hq-vision", "SamHQVisionModel", dict(window_size=2, global_attn_indexes=[1], output_channels=8, mlp_dim=48), refused=True)
RESNET = dict(use_timm_backbone=False, use_pretrained_backbone=False, backbone_config=t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, out_features=["stage4"]))
for name, model in (("conditional-detr", "ConditionalDetr"), ("table-transformer", "TableTransformer")):
    image(name, f"{model}ForObjectDetection", dict(D_MODEL, num_queries=5, **RESNET), base={}, size=128, **E_)
image("radio", "RadioModel")
PATCHES = dict(pixel_values=(2, 16, 192), pixel_attention_mask=lambda: torch.ones(2, 16, dtype=torch.long), spatial_shapes=lambda: torch.tensor([[4, 4]] * 2))
values("siglip2-naflex", "Siglip2VisionModel", dict(SMALL, num_patches=16, patch_size=8), PATCHES, **E_)
values("vjepa2-states", "VJEPA2Model", dict(SMALL, crop_size=32, frames_per_clip=4, tubelet_size=2, patch_size=8, mlp_ratio=2, pred_hidden_size=32, pred_num_attention_heads=4, pred_num_hidden_layers=1), dict(pixel_values_videos=(2, 4, 3, 32, 32)))

STABLE = dict(do_stable_layer_norm=True, feat_extract_norm="layer")
sound("wav2vec2-stable-ctc", "Wav2Vec2ForCTC", STABLE)
sound("mms-adapters-ctc", "Wav2Vec2ForCTC", dict(STABLE, adapter_attn_dim=8))
sound("wav2vec2-xvector", "Wav2Vec2ForXVector", dict(tdnn_dim=[16, 16], tdnn_kernel=[3, 3], tdnn_dilation=[1, 1], xvector_output_dim=8))
sound("wav2vec2-frames", "Wav2Vec2ForAudioFrameClassification")
values("clap-audio", "ClapAudioModelWithProjection", dict(projection_dim=16, spec_size=64, num_mel_bins=16, patch_size=4, patch_stride=[4, 4], patch_embeds_hidden_size=16, depths=[2, 2], num_attention_heads=[2, 4], window_size=2, hidden_size=32, enable_fusion=False), dict(input_features=(2, 1, 64, 16)), refused=True)
values("parakeet-ctc", "ParakeetForCTC", dict(encoder_config=dict(SMALL, num_mel_bins=16, subsampling_conv_channels=8, conv_kernel_size=5), vocab_size=20, pad_token_id=0), dict(input_features=(2, 64, 16)), refused=True)
values("granite-speech", "GraniteSpeechCTCEncoder", dict(hidden_dim=32, num_layers=2, num_heads=4, dim_head=8, input_dim=16, context_size=8, output_dim=16), dict(hidden_states=(2, 24, 16)), refused=True)
values("qwen2-audio-encoder", "Qwen2AudioEncoder", dict(D_MODEL, num_mel_bins=16, max_source_positions=32), dict(input_features=(2, 16, 64)))
# Chronos is T5 over bins, or (Chronos-Bolt) over patches of a series that are embedded first.
values("chronos-bolt-encoder", "T5EncoderModel", dict(T5, vocab_size=99), dict(inputs_embeds=(2, 24, 32)))
values("pop2piano-encoder", "Pop2PianoForConditionalGeneration", dict(T5, vocab_size=99, pad_token_id=0), dict(inputs_embeds=(2, 24, 32)), part="encoder")
values("patchtst-regression", "PatchTSTForRegression", dict(SERIES, num_targets=3), dict(past_values=(2, 64, 2)))

for first in (True, False):
    FAMILIES[f"torch-encoder{'' if first else '-sequence-first'}"] = dict(make=lambda *_, first=first: TorchEncoder(first), kind="text", attn="sdpa", refused=True)  # TorchScript writes the number of keys down


def timm_family(name, model, **own):
    def make(*_):
        import timm

        return timm.create_model(model, pretrained=False, num_classes=3, **own)

    size = own.get("img_size", 32)
    FAMILIES[name] = dict(make=make, kind="image", attn="eager", size=size, layers=own.get("depth", 3), timm=True, refused=own.get("window_size") is not None or "cait" in model)


TIMM = dict(img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4)
timm_family("timm-cait", "cait_xxs24_224", **TIMM)
timm_family("timm-deit3", "deit3_small_patch16_224", **TIMM)
timm_family("timm-eva02", "eva02_tiny_patch14_224", **TIMM)
timm_family("timm-siglip2-pool", "vit_base_patch16_siglip_224", **TIMM)
timm_family("timm-registers", "vit_small_patch14_reg4_dinov2", **TIMM)
timm_family("timm-swin", "swin_tiny_patch4_window7_224", img_size=32, patch_size=4, embed_dim=16, depths=(2, 2), num_heads=(2, 4), window_size=2)

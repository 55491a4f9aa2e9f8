import type { Normalisation } from './normalisation.ts'

/** What config.json and preprocessor_config.json say about a model's inputs and classes; what they do not say is undefined. */
export interface ModelFacts {
  /** Class names by number, from config.json. */
  readonly labels: readonly string[] | undefined
  /** Longest text in tokens, special ones included. */
  readonly maxTokens: number | undefined
  readonly vocabularySize: number | undefined
  readonly normalisation: Normalisation | undefined
  /** Side of the square images. */
  readonly imageSize: number | undefined
  /** Samples a second. */
  readonly sampleRate: number | undefined
}

interface Config {
  readonly id2label?: Readonly<Record<string, string>>
  readonly max_position_embeddings?: number
  readonly model_type?: string
  readonly pad_token_id?: number
  readonly vocab_size?: number
  readonly image_size?: unknown
}

interface Preprocessor {
  readonly image_mean?: readonly number[]
  readonly image_std?: readonly number[]
  readonly do_normalize?: boolean
  readonly sampling_rate?: number
}

/** Position ids of this family begin after the padding id, so the first rows of the table are never used. */
const POSITIONS_AFTER_PADDING: readonly string[] = ['roberta', 'xlm-roberta', 'camembert', 'xlm-roberta-xl', 'mpnet']

/** @param config and preprocessor: the two files as Hugging Face lays them out, read as JSON */
export function modelFacts(config: object, preprocessor: object): ModelFacts {
  const { vocab_size: vocabularySize, image_size: imageSize }: Config = config
  const { sampling_rate: sampleRate }: Preprocessor = preprocessor
  return {
    labels: labelsOf(config),
    maxTokens: maxTokensOf(config),
    vocabularySize,
    normalisation: normalisationOf(preprocessor),
    imageSize: typeof imageSize === 'number' ? imageSize : undefined,
    sampleRate,
  }
}

function labelsOf({ id2label }: Config): readonly string[] | undefined {
  if (typeof id2label !== 'object' || id2label === null) return undefined
  return Array.from({ length: Object.keys(id2label).length }, (_, id) => {
    const label: unknown = id2label[id]
    return typeof label === 'string' ? label : `LABEL_${id}`
  })
}

function maxTokensOf({ max_position_embeddings: positions, model_type: type, pad_token_id: pad }: Config) {
  if (positions === undefined || !Number.isInteger(positions) || positions < 3) return undefined
  return type !== undefined && POSITIONS_AFTER_PADDING.includes(type) ? positions - (pad ?? 1) - 1 : positions
}

function normalisationOf({ image_mean: mean, image_std: std, do_normalize: asked }: Preprocessor) {
  if (asked === false) return { mean: [0], std: [1] }
  return mean !== undefined && std !== undefined ? { mean, std } : undefined
}

import { type AbortSignalLike, TpError, type ValueInfo } from '@tp/core'
import type { Dataset, Modality } from '../datasets/dataset.ts'
import { audioInputs } from './audio-inputs.ts'
import { imageInputs } from './image-inputs.ts'
import type { ModelInputs } from './model-inputs.ts'
import type { Normalisation } from './normalisation.ts'
import { textInputs } from './text-inputs.ts'
import { loadTokenizer } from './tokenizer.ts'

/** What {@link prepareInputs} needs to know of a model; `readModelFolder` finds most of it beside the file. */
export interface PrepareOptions {
  /** Path of tokenizer.json; texts need it. */
  readonly tokenizer?: string | undefined
  readonly maxTokens?: number | undefined
  readonly vocabularySize?: number | undefined
  readonly normalisation?: Normalisation | undefined
  /** Side of the square pictures, where the model leaves it free. */
  readonly imageSize?: number | undefined
  /** Samples a second. */
  readonly sampleRate?: number | undefined
  readonly signal?: AbortSignalLike | undefined
}

/** What a model takes, judged by its inputs; undefined if it is none of these. */
export function modalityOf(inputs: readonly ValueInfo[]): Modality | undefined {
  const [first] = inputs
  if (first === undefined) return undefined
  if (inputs.every(({ type }) => type === 'int64' || type === 'int32')) return 'text'
  if (inputs.length > 1 || first.type !== 'float32') return undefined
  return first.dims.length === 4 ? 'image' : first.dims.length === 2 ? 'audio' : undefined
}

/** Brings a data set into the form that a model with these inputs takes. */
export async function prepareInputs(
  dataset: Dataset,
  inputs: readonly ValueInfo[],
  options: PrepareOptions = {},
): Promise<ModelInputs> {
  const modality = modalityOf(inputs)
  if (dataset.modality !== modality) {
    const taken = modality ?? inputs.map(({ name, type, dims }) => `${name} ${type}[${dims}]`).join(', ')
    throw new TpError(
      'TP_DATA',
      'eval',
      `${dataset.source}: holds ${dataset.modality} data, but the model takes ${taken}`,
    )
  }
  if (dataset.modality === 'audio') return audioInputs(dataset, inputs, options)
  if (dataset.modality === 'image') {
    const { imageSize: side } = options
    return imageInputs(dataset, inputs, { ...options, size: side ? { height: side, width: side } : undefined })
  }
  if (options.tokenizer === undefined) {
    throw new TpError(
      'TP_TOKENIZER',
      'eval',
      'texts need the tokenizer.json of the model; none is beside it, so give it',
    )
  }
  return textInputs(dataset, inputs, await loadTokenizer(options.tokenizer), options)
}

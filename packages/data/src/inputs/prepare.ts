import { TpError } from '@tp/core'
import type { AbortSignalLike, AnswerForm, ValueInfo } from '@tp/core/runtime'
import type { Dataset, ImageFraming } from '../datasets/dataset.ts'
import { audioInputs } from './audio-inputs.ts'
import { imageInputs } from './image-inputs.ts'
import { loadTokenizer } from './load-tokenizer.ts'
import { type ModelInputs, modalityOf } from './model-inputs.ts'
import type { Normalization } from './normalization.ts'
import type { Pooling } from './pooling.ts'
import { textInputs } from './text-inputs.ts'

/** The facts about a model that {@link prepareInputs} requires; `readModelFolder` finds most of it next to the file. */
export interface PrepareOptions {
  /** Path of tokenizer.json; texts need it. */
  readonly tokenizer?: string | undefined
  readonly maxTokens?: number | undefined
  readonly vocabularySize?: number | undefined
  /** How texts become vectors; default: by the mean of their tokens. */
  readonly pooling?: Pooling | undefined
  readonly normalization?: Normalization | undefined
  /** Side of the square images, if neither the model's nor the framing's is fixed. */
  readonly imageSize?: number | undefined
  /** How images from files are brought to the size that the model takes; default: they are squeezed. */
  readonly framing?: ImageFraming | undefined
  /** Samples a second. */
  readonly sampleRate?: number | undefined
  /** Whether the samples of a recording are brought to a mean of 0 and a variance of 1. */
  readonly normalizesSound?: boolean | undefined
  /** The form of the model's answers, as `answerHead` finds it; default: by all answers together. */
  readonly answerForm?: AnswerForm | undefined
  readonly signal?: AbortSignalLike | undefined
}

/** Brings a data set into the form that a model with these inputs takes. */
export async function prepareInputs(
  dataset: Dataset,
  inputs: readonly ValueInfo[],
  options: PrepareOptions = {},
): Promise<ModelInputs> {
  const { answerForm } = options
  const own = await prepared(dataset, inputs, options)
  return { ...own, notes: [...(dataset.notes ?? []), ...own.notes], ...(answerForm && { answerForm }) }
}

async function prepared(dataset: Dataset, inputs: readonly ValueInfo[], options: PrepareOptions): Promise<ModelInputs> {
  const modality = modalityOf(inputs)
  if (dataset.modality !== modality) {
    const taken = modality ?? inputs.map(({ name, type, dims }) => `${name} ${type}[${dims}]`).join(', ')
    throw new TpError(
      'TP_DATA',
      'data',
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
      'data',
      'texts require the tokenizer.json of the model; none is next to it, so give its path',
    )
  }
  return textInputs(dataset, inputs, await loadTokenizer(options.tokenizer), options)
}

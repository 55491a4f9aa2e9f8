import { TpError } from '@tp/core'
import type { AnswerForm, NamedTensors, TypedArray, ValueInfo } from '@tp/core/runtime'
import type { Vectors } from '@tp/metrics'
import { type Modality, UNLABELED } from '../datasets/dataset.ts'
import type { Ranking } from '../datasets/ranking.ts'
import type { SearchData } from '../datasets/retrieval/search-data.ts'
import type { Normalization } from './normalization.ts'
import type { Pooling } from './pooling.ts'

/** A data set in the form that one model takes. */
export interface ModelInputs {
  /** Where the data come from, for messages and reports. */
  readonly source: string
  /**
   * Class number of each example; {@link UNLABELED} where it has none: examples without labels, texts to embed, sentences with a tag for
   * each word. {@link isLabeled} says whether all have one.
   */
  readonly targets: readonly number[]
  /** Real tokens of each example, special ones included; undefined where the model alone knows (images, sound). */
  readonly lengths: readonly number[] | undefined
  /** False: no input says which tokens are padding, so that all examples of a batch must have one length. Default: true. */
  readonly padded?: boolean | undefined
  /** Milliseconds of preparation (tokenizing) that each example has cost before `feeds`. */
  readonly preparationMs: readonly number[] | undefined
  /** A key of each example that does not depend on its position (its tokens, its file). Default: its position. */
  readonly keys?: readonly (string | number)[] | undefined
  /** A key of each example's content, where {@link keys} are of its file; reads all examples. */
  readonly contents?: (() => Promise<readonly string[]>) | undefined
  /** Of candidates that are to be ranked: which query each example belongs to. */
  readonly ranking?: Ranking | undefined
  /** Of examples of which a number is estimated: what people say it is, by example; without scores where nobody said it. */
  readonly estimates?: { readonly scores?: readonly number[] | undefined } | undefined
  /** Of texts that are embedded in pairs: which pair each belongs to, first texts before second ones, and how alike people say the two are. */
  readonly pairs?: { readonly of: readonly number[]; readonly scores: readonly number[] } | undefined
  /** Of texts that are embedded to be searched: the queries and documents of all of them, and for each text its position there. */
  readonly search?: { readonly data: SearchData; readonly of: readonly number[] } | undefined
  /** Of texts that are embedded: the dense model's vector of each, by which those of another model are judged. */
  readonly vectors?: Vectors | undefined
  /** How a vector is made of those of a text's tokens; default: their mean. */
  readonly pooling?: Pooling['of'] | undefined
  /** The form of the model's answers; default: by all answers together. */
  readonly answerForm?: AnswerForm | undefined
  /** How images are normalized: as given, or as measured. */
  readonly normalization?: Normalization | undefined
  /** Assumptions made for want of better knowledge, in sentences for the user. */
  readonly notes: readonly string[]
  /** Inputs of one batch of examples by their positions, padded to its longest. */
  feeds(rows: readonly number[]): Promise<NamedTensors>
}

/** A text for the content of each example, its labels apart; undefined where nothing is known of it. */
export async function contentKeys({ contents, keys, lengths }: ModelInputs): Promise<string[] | undefined> {
  const known = contents === undefined ? keys : await contents()
  return known?.map((key, row) => `${key} ${lengths?.[row]}`)
}

/** Whether all examples have a class, so that answers are right or wrong; else they can be compared with those of another model. */
export function isLabeled({ targets }: Pick<ModelInputs, 'targets'>): boolean {
  return targets.every((target) => target !== UNLABELED)
}

/** Whether all judged tokens have a tag, so that answers are right or wrong; else they can be compared with those of another model. */
export function hasTags({ tags }: { readonly tags: readonly Int32Array[] }): boolean {
  return tags.every((sentence) => !sentence.includes(UNLABELED))
}

/** The modality of a model by its inputs; undefined if none fits. */
export function modalityOf(inputs: readonly ValueInfo[]): Modality | undefined {
  const [first, ...others] = inputs.filter((input) => !isMaskOfSound(input))
  if (inputs.length > 0 && inputs.every(isInteger)) return 'text'
  if (others.length > 0 || first?.type !== 'float32') return undefined
  if (first.dims.length === 2) return 'audio'
  return first.dims.length === 4 && inputs.length === 1 ? 'image' : undefined
}

/** Whether an input says which samples of a recording are padding. */
export function isMaskOfSound(input: ValueInfo): boolean {
  return isInteger(input) && input.dims.length === 2 && /mask/.test(input.name)
}

function isInteger({ type }: ValueInfo): boolean {
  return type === 'int64' || type === 'int32'
}

/** An input's size along an axis where the model has it fixed. */
export function fixedSize(input: ValueInfo, axis: number): number | undefined {
  const size = input.dims[axis]
  return typeof size === 'number' && size > 0 ? size : undefined
}

/** The one input of a model of images or sound. */
export function onlyInput(inputs: readonly ValueInfo[], what: string): ValueInfo {
  const [input] = inputs
  if (input !== undefined && inputs.length === 1) return input
  const names = inputs.map(({ name }) => name).join(', ')
  throw new TpError('TP_INPUT', 'data', `${what} go into one input, but the model has ${inputs.length}: ${names}`)
}

/** Numbers in an array of the element type that an input asks for. */
export function arrayOf(input: ValueInfo, length: number): TypedArray {
  switch (input.type) {
    case 'float32':
      return new Float32Array(length)
    case 'int32':
      return new Int32Array(length)
    case 'int64':
      return new BigInt64Array(length)
    default:
      throw new TpError(
        'TP_INPUT',
        'data',
        `input "${input.name}" is ${input.type}; float32, int32 and int64 can be filled`,
      )
  }
}

import { type TensorLike, throwIfAborted, type ValueInfo } from '@tp/core/runtime'
import { type PrepareOptions, prepareInputs } from '@tp/data'
import type { Dataset, ModelInputs } from '@tp/data/inputs'
import { someExamples } from '@tp/data/inputs'
import { lengthBins } from './length-bins.ts'
import { type Shift, type ShiftOptions, shifted } from './shift.ts'

/** Data of one kind, in the form that one model takes. */
export interface ShiftedSet {
  readonly name: string
  readonly inputs: ModelInputs
  /** Positions of the examples of the first set that these were made from; undefined for data from elsewhere. */
  readonly examples: readonly number[] | undefined
  /** Whether they are the same as in the first set: a length bin, or capitals that an uncased tokenizer ignores. */
  readonly sameInputs: boolean
}

export interface ShiftedSetsOptions extends PrepareOptions, ShiftOptions {
  /** So many bins of the data by length, of texts. Default 0. */
  readonly lengthBins?: number | undefined
  /** Data from elsewhere, by name. */
  readonly others?: Readonly<Record<string, Dataset>> | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * A data set as it is, called `in distribution`, then shifted in each way, its bins by length, and data from elsewhere.
 * All are prepared alike: images by the normalization of the first, if none is given.
 * @param inputs what the model takes
 * @throws TpError TP_OPTION, TP_ABORTED and what preparing throws
 */
export async function shiftedSets(
  dataset: Dataset,
  shifts: readonly Shift[],
  inputs: readonly ValueInfo[],
  options: ShiftedSetsOptions = {},
): Promise<ShiftedSet[]> {
  const { others = {}, signal, onProgress } = options
  const elsewhere = Object.entries(others)
  const total = 1 + shifts.length + elsewhere.length
  const own = await prepareInputs(dataset, inputs, options)
  const like = { ...options, normalization: options.normalization ?? own.normalization }
  const all = own.targets.map((_, i) => i)
  const sets: ShiftedSet[] = [{ name: 'in distribution', inputs: own, examples: all, sameInputs: true }]
  const done = (): void => {
    throwIfAborted(signal, 'benchmark')
    onProgress?.(sets.length, total)
  }
  done()
  for (const shift of shifts) {
    const made = await prepareInputs(shifted(dataset, shift, options), inputs, like)
    sets.push({ name: shift.name, inputs: made, examples: all, sameInputs: await haveSameTokens(made, own) })
    done()
  }
  for (const [name, data] of elsewhere) {
    sets.push({ name, inputs: await prepareInputs(data, inputs, like), examples: undefined, sameInputs: false })
    done()
  }
  return [...sets, ...binsOf(own, options.lengthBins)]
}

function binsOf(own: ModelInputs, bins = 0): ShiftedSet[] {
  if (bins === 0 || own.lengths === undefined) return []
  return lengthBins(own.lengths, bins).map(({ shortest, longest, examples }) => ({
    name: `${shortest} … ${longest} tokens`,
    inputs: someExamples(own, examples),
    examples,
    sameInputs: true,
  }))
}

/** For texts only: images and sounds would have to be read again, and their shifts always change them. */
async function haveSameTokens(made: ModelInputs, own: ModelInputs): Promise<boolean> {
  if (made.lengths === undefined || made.lengths.some((length, i) => length !== own.lengths?.[i])) return false
  for (const position of made.lengths.keys()) {
    const [mine, other] = [await made.feeds([position]), await own.feeds([position])]
    for (const name of Object.keys(mine)) {
      if (!haveSameNumbers(mine[name] as TensorLike, other[name] as TensorLike)) return false
    }
  }
  return true
}

function haveSameNumbers({ data: a }: TensorLike, { data: b }: TensorLike): boolean {
  return a.length === b.length && Array.prototype.every.call(a, (x, i) => x === b[i])
}

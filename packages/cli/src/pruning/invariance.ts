import { type NamedTensors, type Session, sizeOf, type TensorLike, TpError, throwIfAborted } from '@tp/core'
import { largestDifference } from '../model/compare-outputs.ts'
import { isText } from '../model/input-shapes.ts'
import { roundingOf } from '../model/rounding.ts'
import { sampleInputs } from '../model/sample-inputs.ts'
import type { VerifyOptions } from './verify.ts'

/** What was compared, each with the same example in another company. */
export interface Invariance {
  /** Examples alone and in a batch; absent where the batch has a fixed size. */
  readonly batch?: number
  /** Examples with and without padding behind them; absent where the model takes none. */
  readonly padding?: number
}

type Company = 'batch' | 'padding'

/** An example by itself, the same in company, and which row of the outputs it is there. */
interface Pair {
  readonly company: Company
  readonly alone: NamedTensors
  readonly together: NamedTensors
  readonly row: number
}

/**
 * Compares what a pruned model gives for examples with what it gives for the same ones in other company. One that differs may be
 * rounding that turned a near tie; several are a method that looks at other examples, or at padding.
 * @returns undefined where the dense model's own answers depend on the company (quantised by what goes in, say)
 * @throws TpError TP_VERIFY
 */
export async function checkInvariance(
  options: VerifyOptions,
  sessions: { readonly dense: Session; readonly pruned: Session },
): Promise<Invariance | undefined> {
  const { file, method } = options
  const pairs = pairsFor(options)
  if (pairs.length === 0) return undefined
  const tolerance = roundingOf(file.model)
  const dense = await differences(sessions.dense, pairs, options)
  if (dense.some((difference) => difference > tolerance)) return undefined
  const pruned = await differences(sessions.pruned, pairs, options)
  const counts: { batch?: number; padding?: number } = {}
  for (const company of ['batch', 'padding'] as const) {
    const seen = pruned.filter((_, i) => pairs[i]?.company === company)
    const wrong = seen.filter((difference) => difference > tolerance)
    if (wrong.length > 1) {
      const how = company === 'batch' ? 'in a batch with others' : 'with padding behind them'
      const reason = `${wrong.length} of ${seen.length} examples come out otherwise ${how} than alone`
      const by = `outputs differ by up to ${Math.max(...wrong)}`
      const advice =
        company === 'batch'
          ? 'the method may look at one row at a time only'
          : 'the method must leave padding out (alive)'
      throw new TpError('TP_VERIFY', `plugin ${method.name}`, `${reason} (${by}); ${advice}. The model was not written`)
    }
    if (seen.length > 0) counts[company] = seen.length
  }
  return counts
}

function pairsFor({ file, model }: VerifyOptions): Pair[] {
  if (typeof model.batch === 'number') return []
  return [11, 12].flatMap((seed) => {
    const batch = sampleInputs(file.model, model, { batch: 4, tokens: 12, padded: isText(model), seed })
    const rows = [0, 1, 2, 3].map((row): Pair => ({ company: 'batch', alone: rowOf(batch, row), together: batch, row }))
    if (!isText(model) || model.mask === undefined) return rows
    const marks = batch[model.mask] as TensorLike
    if (marks.dims.length !== 2 || marks.dims[1] !== 12) return rows
    const padded = rows.flatMap(({ alone }): Pair[] => {
      const real = Array.from(alone[model.mask as string]?.data as ArrayLike<number | bigint>, Number)
      const isPadding = model.maskMarksPadding ? 1 : 0
      const length = real.filter((mark) => mark !== isPadding).length
      return length === 12 ? [] : [{ company: 'padding', alone: cut(alone, length, 12), together: alone, row: 0 }]
    })
    return [...rows, ...padded]
  })
}

function rowOf(inputs: NamedTensors, row: number): NamedTensors {
  return mapTensors(inputs, (tensor) => take(tensor, row, tensor.dims[0] as number))
}

/** One row of an array [B,…], as an array [1,…]. */
function take({ type, dims, data }: TensorLike, row: number, batch: number): TensorLike {
  if (dims.length === 0 || dims[0] !== batch) return { type, dims, data }
  const size = sizeOf(dims) / batch
  return { type, dims: [1, ...dims.slice(1)], data: data.slice(row * size, (row + 1) * size) }
}

/** The first tokens of inputs [1,N]. */
function cut(inputs: NamedTensors, length: number, tokens: number): NamedTensors {
  return mapTensors(inputs, ({ type, dims, data }) =>
    dims.length === 2 && dims[1] === tokens
      ? { type, dims: [1, length], data: data.slice(0, length) }
      : { type, dims, data },
  )
}

function mapTensors(inputs: NamedTensors, change: (tensor: TensorLike) => TensorLike): NamedTensors {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, change(tensor)]))
}

/** For each pair the largest difference between the outputs that have one row for each example, whatever its tokens. */
async function differences(
  session: Session,
  pairs: readonly Pair[],
  { model, signal }: VerifyOptions,
): Promise<number[]> {
  const found: number[] = []
  let last: { readonly inputs: NamedTensors; readonly outputs: NamedTensors } | undefined
  for (const { alone, together, row } of pairs) {
    throwIfAborted(signal, 'tp')
    if (last?.inputs !== together) last = { inputs: together, outputs: await session.run(together, { signal }) }
    const own = await session.run(alone, { signal })
    const batch = Math.max(...Object.values(together).map(({ dims }) => dims[0] ?? 1))
    const compared = Object.entries(own).filter(
      ([name]) => !model.tokenOutputs.includes(name) && !name.startsWith('tp.'),
    )
    const each = compared.map(([name, tensor]) => {
      const other = take(last?.outputs[name] as TensorLike, row, batch)
      return largestDifference(other, tensor)
    })
    found.push(Math.max(0, ...each))
  }
  return found
}

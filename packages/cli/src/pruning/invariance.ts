import { TpError } from '@tp/core'
import { type NamedTensors, type Session, type TensorLike, throwIfAborted } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { largestDifference } from '../model/compare-outputs.ts'
import { isText } from '../model/input-shapes.ts'
import { roundingOf } from '../model/rounding.ts'
import { mapTensors, rowOf, take } from '../model/rows.ts'
import { sampleInputs } from '../model/sample-inputs.ts'
import { pruneFile } from './request.ts'
import type { VerifyOptions } from './verify-options.ts'

/** What was compared, each with the same example in another company. */
export interface Invariance {
  /** Examples alone and in a batch; absent where the batch has a fixed size. */
  readonly batch?: number
  /** Examples with and without padding after them; absent if the model takes none. */
  readonly padding?: number
}

type Companions = 'batch' | 'padding'

/** An example by itself, the same in company, and which row of the outputs it is there. */
interface Pair {
  readonly company: Companions
  readonly alone: NamedTensors
  readonly together: NamedTensors
  readonly row: number
}

/**
 * Compares what a pruned model gives for examples with what it gives for the same ones in other company. One that differs may be
 * rounding that decided a near tie; several mean a method that reads other examples, or padding.
 * @param dense a session of the dense model
 * @param load opens a model that is made of the same file
 * @returns undefined if the dense model's own answers depend on batch or padding (for example by dynamic quantisation)
 * @throws TpError TP_VERIFY
 */
export async function checkInvariance(
  options: VerifyOptions,
  dense: Session,
  load: (model: Model) => Promise<Session>,
): Promise<Invariance | undefined> {
  const { file, pruned, method, settings } = options
  const pairs = pairsFor(options)
  if (pairs.length === 0) return undefined
  const tolerance = roundingOf(file.model)
  if ((await differences(dense, pairs, options)).some((difference) => difference > tolerance)) return undefined
  // The same file, with the scores as further outputs: a dependence need not change the selection in a few samples.
  const schedules = new Map(pruned.encoders.map(({ name, schedule }) => [name, schedule]))
  const traced = await pruneFile(file, { ...settings, method, schedules, trace: 'scores' })
  await using session = await load(traced.model)
  const found = await differences(session, pairs, options)
  const counts: { batch?: number; padding?: number } = {}
  for (const company of ['batch', 'padding'] as const) {
    const seen = found.filter((_, i) => pairs[i]?.company === company)
    const wrong = seen.filter((difference) => difference > tolerance)
    if (wrong.length > 1) {
      const how = company === 'batch' ? 'in a batch with others' : 'with padding after them'
      const reason = `${wrong.length} of ${seen.length} examples come out otherwise ${how} than alone`
      const by = `scores or outputs differ by up to ${Math.max(...wrong).toPrecision(2)}`
      const advice =
        company === 'batch'
          ? 'the method may look at one row at a time only'
          : 'the method must ignore padding (attended)'
      throw new TpError('TP_VERIFY', `plugin ${method.name}`, `${reason} (${by}); ${advice}. The model was not written`)
    }
    if (seen.length > 0) counts[company] = seen.length
  }
  return counts
}

function pairsFor({ file, model }: VerifyOptions): Pair[] {
  if (typeof model.batch === 'number') return []
  return [11, 12].flatMap((seed) => {
    const batch = sampleInputs(file.model, model, { batch: 4, tokens: TOKENS, padded: isText(model), seed })
    const rows = [0, 1, 2, 3].map((row): Pair => ({ company: 'batch', alone: rowOf(batch, row), together: batch, row }))
    const { mask } = model
    const marks = mask === undefined ? undefined : batch[mask]
    if (!isText(model) || mask === undefined || marks?.dims.length !== 2 || marks.dims[1] !== TOKENS) return rows
    const whole = rowOf(batch, 0)
    const padded = LENGTHS.map((length): Pair => {
      const together = { ...whole, [mask]: marked(whole[mask] as TensorLike, length, model.maskMarksPadding === true) }
      return { company: 'padding', alone: cut(whole, length), together, row: 0 }
    })
    return [...rows, ...padded]
  })
}

/** Few, since position tables may be short. */
const TOKENS = 16
/** Of examples that are padded: most of what a method could look at is padding. */
const LENGTHS = [4, 6, 8, 10]

/** A mask [1,N] with this many real tokens. */
function marked({ type, dims, data }: TensorLike, length: number, marksPadding: boolean): TensorLike {
  const copy = data.slice()
  for (let token = 0; token < copy.length; token++) {
    const mark = token < length === marksPadding ? 0 : 1
    copy[token] = typeof copy[token] === 'bigint' ? BigInt(mark) : mark
  }
  return { type, dims, data: copy }
}

/** The first tokens of inputs [1,N]. */
function cut(inputs: NamedTensors, length: number): NamedTensors {
  return mapTensors(inputs, ({ type, dims, data }) =>
    dims.length === 2 && dims[1] === TOKENS
      ? { type, dims: [1, length], data: data.slice(0, length) }
      : { type, dims, data },
  )
}

/** For each pair the largest difference between the outputs with one row for each example. */
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
    const name = firstScores(own)
    const scores =
      name === undefined
        ? 0
        : scoreDifference(own[name] as TensorLike, take(last.outputs[name] as TensorLike, row, batch))
    found.push(Math.max(scores, ...each))
  }
  return found
}

/** The scores of the first cut: after it the tokens may differ. */
function firstScores(outputs: NamedTensors): string | undefined {
  const layer = (name: string): number => Number(/(\d+)\.scores$/.exec(name)?.[1])
  const [first] = Object.keys(outputs)
    .filter((name) => name.startsWith('tp.trace.') && name.endsWith('.scores'))
    .sort((a, b) => layer(a) - layer(b))
  return first
}

/** Largest difference of the scores of an example's tokens [1,N], relative to the largest of them; others come after. */
function scoreDifference({ data: own }: TensorLike, { data: other }: TensorLike): number {
  const numbers = Array.from(own as ArrayLike<number>, Number)
  const largest = Math.max(...numbers.map(Math.abs))
  const differences = numbers.map((score, i) => Math.abs(score - Number(other[i])) / largest)
  // A score that is no number ranks last, in any company.
  return Math.max(0, ...differences.filter((difference) => !Number.isNaN(difference)))
}

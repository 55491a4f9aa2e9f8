import { type PruneReport, prune, readProvenance, TRACE, transform } from '@tp/compiler'
import { cast, div, type Method, maximum, mul, type Schedule, sub, sum, type Tensor, unsqueeze } from '@tp/core'
import type { Runtime, TensorLike } from '@tp/core/runtime'
import { emitModel, Graph, lift, type Model } from '@tp/onnx'
import { encoderOptions } from '../encoder-options.ts'
import type { PruningOptions } from '../fit-schedule.ts'
import { overBatches, type Watched } from './over-texts.ts'
import { emptyNormal, ridge, sumOf } from './ridge.ts'

interface ContextOptions extends Omit<PruningOptions, 'restore' | 'outputs' | 'source'>, Watched {
  readonly model: Model
  readonly schedule: Schedule
  readonly runtime: Runtime
  /** The method with what is fitted already. */
  readonly values: Method
  /** [examples,D]: the dense model's mean of final states of each */
  readonly means: Float32Array
  readonly hidden: number
  /** float [B,N]: 1 for real tokens, 0 for padding, as an expression over the model's inputs */
  readonly attended: Tensor
  isHeldOut(batch: number): boolean
}

/** Strengths that are tried, as multiples of the mean of the diagonal; without any is tried, too. */
const STRENGTHS = [0.03, 0.1, 0.3, 1]

/** Mean cosines to the dense model's mean of all final states, on texts that were held out to choose by. */
export interface LensCosine {
  /** The mean of the kept tokens alone. */
  readonly kept: number
  /** With predicted states in the places of pruned ones. */
  readonly predicted: number
  /** With `context`, too. */
  readonly context: number
}

interface FittedContext {
  /** [D,D] */
  readonly context: Float32Array
  readonly cosine: LensCosine
}

/**
 * U [D,D], fitted on whole texts with the tokens really pruned: with m the dense model's mean, p that of the restored tokens, f the share
 * that is pruned and ȳ the mean of the kept ones, all after the last layer,
 *
 *   m − p ≈ f ȳ · U
 *
 * by ridge regression; its strength is the one of the highest mean cosine on batches that were held out.
 * @returns undefined where no tokens are restored, because the head reads single tokens
 */
export async function fitContext(options: ContextOptions): Promise<FittedContext | undefined> {
  const { model, values, schedule, runtime, means, hidden, inputs, isHeldOut } = options
  const pruned = transform(
    model,
    prune({
      method: values,
      schedule,
      trace: true,
      ...encoderOptions(options),
    }),
  )
  const bytes = pooledStates(pruned.model, pruned.reports[0], options.attended)
  if (bytes === undefined) return undefined
  await using session = await runtime.load(bytes, { threads: 1 })
  const size = inputs.targets.length * hidden
  const [restored, kept] = [new Float32Array(size), new Float32Array(size)]
  const [fit, heldOut] = [emptyNormal(hidden, hidden), emptyNormal(hidden, hidden)]
  const apart: number[] = []
  await overBatches('pruned texts', session, options, (result, rows, batch) => {
    if (isHeldOut(batch)) apart.push(...rows)
    const { xx, xy } = isHeldOut(batch) ? heldOut : fit
    rows.forEach((row, i) => {
      const take = (name: string): Float32Array =>
        (result[name] as TensorLike).data.slice(i * hidden, (i + 1) * hidden) as Float32Array
      restored.set(take('restored'), row * hidden)
      const share = (result.share as TensorLike).data[i] as number
      const own = take('kept').map((value) => value * share)
      kept.set(own, row * hidden)
      const missing = own.map((_, d) => (means[row * hidden + d] as number) - (restored[row * hidden + d] as number))
      addProducts(xx, own, own)
      addProducts(xy, own, missing)
    })
  })
  const cosineOf = (vector: (row: number) => Float32Array): number =>
    apart.reduce((total, row) => total + cosine(vector(row), part(means, row, hidden)), 0) / Math.max(1, apart.length)
  const withContext = (u: Float64Array) => (row: number) =>
    plus(part(restored, row, hidden), part(kept, row, hidden), u)
  const predicted = cosineOf((row) => part(restored, row, hidden))
  const tried = STRENGTHS.map((strength) => ({ strength, cosine: cosineOf(withContext(ridge(fit, strength))) }))
  const best = tried.reduce((a, b) => (b.cosine > a.cosine ? b : a), { strength: 0, cosine: predicted })
  const context = best.strength === 0 ? new Float64Array(hidden * hidden) : ridge(sumOf(fit, heldOut), best.strength)
  return {
    context: Float32Array.from(context),
    cosine: { kept: cosineOf((row) => part(kept, row, hidden)), predicted, context: best.cosine },
  }
}

/** Inputs are the model's; `restored` and `kept` float [B,D] means after the last layer, `share` float [B] of the tokens that is pruned. */
function pooledStates(model: Model, { cuts }: PruneReport, attended: Tensor): Uint8Array | undefined {
  const point = readProvenance(model).at(-1)?.restored?.at(-1)
  if (point === undefined) return undefined
  const lifted = lift(new Graph(model))
  const tensor = (name: string): Tensor => lifted.tensor(name)
  const all = maximum(sum(attended, 1, { keepDims: true }), 1)
  const states = cast(tensor(point.to), 'float32')
  const left = cast(tensor(point.from), 'float32')
  const real = cast(tensor(`${TRACE}.${cuts.at(-1)?.layer}.valid`), 'float32')
  const count = sum(real, 1, { keepDims: true })
  const kept = div(sum(mul(left, unsqueeze(real, [2])), 1), maximum(count, 1))
  return emitModel(
    {
      restored: div(sum(mul(states, unsqueeze(attended, [2])), 1), all),
      kept,
      share: sum(sub(1, div(count, all)), 1),
    },
    { name: 'pooled' },
  )
}

/** Σ += x yᵀ */
function addProducts(into: Float64Array, x: Float32Array, y: Float32Array): void {
  const width = y.length
  x.forEach((by, i) => {
    for (let j = 0; j < width; j++) into[i * width + j] = (into[i * width + j] as number) + by * (y[j] as number)
  })
}

function part(all: Float32Array, row: number, width: number): Float32Array {
  return all.subarray(row * width, (row + 1) * width)
}

/** x + y · U */
function plus(x: Float32Array, y: Float32Array, u: Float64Array): Float32Array {
  const result = Float64Array.from(x)
  y.forEach((by, i) => {
    for (let j = 0; j < result.length; j++)
      result[j] = (result[j] as number) + by * (u[i * result.length + j] as number)
  })
  return Float32Array.from(result)
}

function cosine(x: Float32Array, y: Float32Array): number {
  let [dot, xx, yy] = [0, 0, 0]
  x.forEach((value, i) => {
    dot += value * (y[i] as number)
    xx += value * value
    yy += (y[i] as number) ** 2
  })
  return dot / Math.max(Math.sqrt(xx * yy), 1e-30)
}

import { type Pruned, type PruneOptions, prune } from '@tp/compiler'
import {
  type AbortSignalLike,
  type Amount,
  type Method,
  none,
  type Runtime,
  type Schedule,
  TpError,
  type Values,
} from '@tp/core'
import { type ModelInputs, someExamples } from '@tp/eval'
import { encodeModel, type Model } from '@tp/onnx'
import { examplesFlops, keptCounts } from './examples-flops.ts'

export interface FitOptions {
  /** The dense model. */
  readonly model: Model
  readonly method: Method
  readonly schedule: Schedule
  readonly params?: (block: number) => Values
  readonly tower?: string
  /** Share of the dense model's FLOPs, above 0 and below 1. */
  readonly targetFlops: number
  /** Examples that are counted on; where the scores decide how many tokens stay, they are run. */
  readonly inputs: ModelInputs
  readonly runtime: Runtime
  readonly batchSize?: number
  readonly signal?: AbortSignalLike
}

export interface Fitted {
  readonly schedule: Schedule
  /** Share of the dense model's FLOPs that it takes on the examples. */
  readonly flops: number
}

/** Halvings of the interval in which the factor is looked for: to within 1 %. */
const HALVINGS = 9

/** Where the scores decide, so many examples are run, evenly spaced. */
const RUN_AT_MOST = 500

/**
 * Multiplies all amounts of a schedule by one factor, so that the pruned model takes at most a given share of the dense
 * one's FLOPs on some examples and as much of that as can be: the last step from a share that was aimed at in training.
 * @throws TpError TP_FLOPS where no factor does that
 */
export async function fitSchedule(options: FitOptions): Promise<Fitted> {
  const { targetFlops, schedule } = options
  if (!(targetFlops > 0 && targetFlops < 1)) {
    throw new TpError('TP_FLOPS', 'train', `the share of FLOPs is ${targetFlops}; it must be above 0 and below 1`)
  }
  const measure = flopsMeasure(options)
  // Towards `less`, fewer tokens stay: a higher threshold, a lower number.
  let [more, less] = [-2, 2]
  let best: Fitted | undefined
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (more + less) / 2
    const fitted = scaled(schedule, 2 ** middle)
    const flops = await measure(fitted)
    if (flops <= targetFlops) {
      if (best === undefined || flops > best.flops) best = { schedule: fitted, flops }
      less = middle
    } else {
      more = middle
    }
  }
  if (best !== undefined) return best
  const reason = `even with a quarter of the tokens more than ${targetFlops} of the FLOPs are left`
  throw new TpError('TP_FLOPS', 'train', `${reason}; ask for more, or prune earlier layers`)
}

/** Share of the FLOPs of the dense model, which has been freed of its dead tokens as the pruned one is, by schedule. */
export function flopsMeasure(
  options: Omit<FitOptions, 'schedule' | 'targetFlops'>,
): (schedule: Schedule) => Promise<number> {
  const { model, method, params, tower, inputs: all, runtime, batchSize = 32, signal } = options
  const inputs = evenly(all, RUN_AT_MOST)
  const tokens = inputs.lengths ?? inputs.targets.map(() => undefined)
  const encoder = tower === undefined ? {} : { tower }
  const dense = examplesFlops(pruned(model, { method: none(), schedule: new Map(), ...encoder }).model, tokens)
  return async (schedule) => {
    const settings = { method, schedule, ...(params && { params }), ...encoder }
    const plain = pruned(model, settings)
    if (!plain.cuts.some(({ ragged }) => ragged)) return examplesFlops(plain.model, tokens) / dense
    const traced = pruned(model, { ...settings, trace: true })
    await using session = await runtime.load(encodeModel(traced.model), { threads: 1 })
    return examplesFlops(plain.model, tokens, await keptCounts(session, inputs, batchSize, signal)) / dense
  }
}

/** All amounts with fewer tokens to stay, by a factor; with more, if it is below 1. */
function scaled(schedule: Schedule, factor: number): Schedule {
  return new Map([...schedule].map(([block, amount]) => [block, scaledAmount(amount, factor)]))
}

function scaledAmount({ kind, value }: Amount, factor: number): Amount {
  switch (kind) {
    case 'ratio':
    case 'mass':
      return { kind, value: Math.min(1, Math.max(1e-4, value / factor)) }
    case 'tokens':
      return { kind, value: Math.max(1, Math.round(value / factor)) }
    case 'remove':
      return { kind, value: Math.round(value * factor) }
    case 'threshold':
      return { kind, value: value * factor }
  }
}

function pruned(model: Model, options: PruneOptions): Pruned {
  const result = prune(model, options)
  if (!result.ok) throw new TpError(result.refusal.code, 'train', result.refusal.message)
  return result
}

/** At most so many of the examples, evenly spaced. */
function evenly(inputs: ModelInputs, most: number): ModelInputs {
  const count = inputs.targets.length
  if (count <= most) return inputs
  return someExamples(
    inputs,
    Array.from({ length: most }, (_, i) => Math.floor((i * count) / most)),
  )
}

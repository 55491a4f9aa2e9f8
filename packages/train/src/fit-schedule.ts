import { type Pruned, type PruneOptions, pruneOrThrow } from '@tp/compiler'
import { type Amount, none, type Schedule, TpError } from '@tp/core'
import { amountRules } from '@tp/core/host'
import { type AbortSignalLike, type Runtime, type Session, throwIfAborted } from '@tp/core/runtime'
import { type ModelInputs, sampleExamples } from '@tp/eval/inputs'
import { encodeModel, type Model } from '@tp/onnx'
import { examplesFlops, keptCounts } from './examples-flops.ts'

/** How a model is pruned besides. */
export type PruningOptions = Pick<PruneOptions, 'encoder' | 'protect' | 'restore' | 'outputs' | 'source'>

export interface FitOptions extends PruningOptions, Pick<PruneOptions, 'method' | 'params'> {
  /** The dense model. */
  readonly model: Model
  readonly schedule: Schedule
  /** Share of the dense model's FLOPs, above 0 and below 1. */
  readonly targetFlops: number
  /** Examples that are counted on; where the scores decide how many tokens stay, they are run. */
  readonly inputs: ModelInputs
  readonly runtime: Runtime
  /** How a model is loaded; default: from its bytes. For weights that lie in data files. */
  readonly load?: (model: Model) => Promise<Session>
  readonly batchSize?: number
  readonly signal?: AbortSignalLike
}

export interface Fitted {
  readonly schedule: Schedule
  /** Share of the dense model's FLOPs that it takes on the examples. */
  readonly flops: number
}

/** The factor is looked for between 2⁻⁶ and 2⁶, by so many halvings of that interval: to within 2 %. */
const [WIDTH, HALVINGS] = [6, 9]

/** Where the scores decide, so many examples are run. */
const RUN_AT_MOST = 500

/**
 * Moves all amounts of a schedule by one factor, so that the pruned model takes at most a given share of the dense one's
 * FLOPs on some examples and as much of that as can be: the last step from a share that was aimed at in training.
 * @throws TpError TP_FLOPS where no factor does that
 */
export async function fitSchedule(options: FitOptions): Promise<Fitted> {
  const { targetFlops, schedule } = options
  checkShare(targetFlops)
  const measure = flopsMeasure(options)
  // Towards `less`, fewer tokens stay: a higher threshold, a lower number.
  let [more, less] = [-WIDTH, WIDTH]
  let best: Fitted | undefined
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < HALVINGS; i++) {
    // A measurement blocks the event loop: let signals through.
    await new Promise((resolve) => setTimeout(resolve))
    throwIfAborted(options.signal, 'train')
    const middle = (more + less) / 2
    const fitted = scaled(schedule, 2 ** middle)
    const flops = await measure(fitted)
    least = Math.min(least, flops)
    if (flops <= targetFlops) {
      if (best === undefined || flops > best.flops) best = { schedule: fitted, flops }
      less = middle
    } else {
      more = middle
    }
  }
  if (best !== undefined) return best
  const reason = `with as few tokens as can be at layers ${[...schedule.keys()].join(', ')}, ${least.toFixed(3)} of the FLOPs are left`
  throw new TpError('TP_FLOPS', 'train', `${reason}, not ${targetFlops}; ask for more, or prune earlier layers`)
}

/** @throws TpError TP_FLOPS for what is no share of the FLOPs */
export function checkShare(share: number): void {
  if (share > 0 && share < 1) return
  throw new TpError('TP_FLOPS', 'train', `the share of FLOPs is ${share}; it must be above 0 and below 1`)
}

/** Share of the FLOPs of the dense model, which has been freed of its dead tokens as the pruned one is, by schedule. */
export function flopsMeasure({
  model,
  inputs: all,
  runtime,
  load = (own) => runtime.load(encodeModel(own), { threads: 1 }),
  batchSize = 32,
  signal,
  ...pruning
}: Omit<FitOptions, 'schedule' | 'targetFlops'>): (schedule: Schedule) => Promise<number> {
  const { method, params, encoder, protect, restore, outputs } = pruning
  const others = {
    ...(encoder !== undefined && { encoder }),
    ...(protect !== undefined && { protect }),
    ...(restore !== undefined && { restore }),
    ...(outputs !== undefined && { outputs }),
  }
  const inputs = sampleExamples(all, RUN_AT_MOST)
  const tokens = inputs.lengths ?? inputs.targets.map(() => undefined)
  const dense = examplesFlops(pruned(model, { method: none(), schedule: new Map(), ...others }).model, tokens)
  return async (schedule) => {
    const settings = { method, schedule, ...(params && { params }), ...others }
    const plain = pruned(model, settings)
    if (!plain.cuts.some(({ ragged }) => ragged)) return examplesFlops(plain.model, tokens) / dense
    const traced = pruned(model, { ...settings, trace: true })
    await using session = await load(traced.model)
    return examplesFlops(plain.model, tokens, await keptCounts(session, inputs, batchSize, signal)) / dense
  }
}

/** All amounts with fewer tokens to stay, by a factor; with more, if it is below 1. */
function scaled(schedule: Schedule, factor: number): Schedule {
  return new Map([...schedule].map(([layer, amount]) => [layer, scaledAmount(amount, factor)]))
}

function scaledAmount({ kind, value }: Amount, factor: number): Amount {
  return { kind, value: amountRules[kind].scaled(value, factor) }
}

/** A model with its pruning. @throws TpError with the code of a refusal */
export function pruned(model: Model, options: PruneOptions): Pruned {
  return pruneOrThrow(model, options, 'train')
}

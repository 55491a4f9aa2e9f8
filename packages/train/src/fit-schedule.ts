import { type PruneOptions, type PruneReport, prune, type Transform, type Transformed, transform } from '@tp/compiler'
import { type Amount, none, type Schedule, TpError } from '@tp/core'
import { amountRules } from '@tp/core/host'
import { type AbortSignalLike, pause, type Runtime, type Session } from '@tp/core/runtime'
import { type ModelInputs, sampleExamples } from '@tp/data/inputs'
import { encodeModel, type Model } from '@tp/onnx'
import { type EncoderOptions, encoderOptions } from './encoder-options.ts'
import { examplesFlops, keptCounts } from './examples-flops.ts'
import type { WorkDone } from './training-work.ts'

/** Other options of pruning. */
export type PruningOptions = EncoderOptions & Pick<PruneOptions, 'restore' | 'outputs' | 'source'>

export interface FitOptions extends PruningOptions, Pick<PruneOptions, 'method' | 'params'> {
  /** The dense model. */
  readonly model: Model
  readonly schedule: Schedule
  /** Share of the dense model's FLOPs, above 0 and below 1. */
  readonly targetFlops: number
  /** Examples whose FLOPs are counted; if scores decide how many tokens are kept, the model runs on them. */
  readonly inputs: ModelInputs
  readonly runtime: Runtime
  /** How a model is loaded; default: from its bytes. For weights in data files. */
  readonly load?: (model: Model) => Promise<Session>
  readonly batchSize?: number
  readonly signal?: AbortSignalLike
  /** Examples that were run, over all measurements. */
  readonly onProgress?: (progress: WorkDone) => void
}

export interface Fitted {
  readonly schedule: Schedule
  /** Share of the dense model's FLOPs that it takes on the examples. */
  readonly flops: number
}

/** The factor is searched between 2⁻⁶ and 2⁶ by this many bisections: to within 2 %. */
const [WIDTH, HALVINGS] = [6, 9]

/** If the scores decide, this many examples are run. */
const RUN_AT_MOST = 500

/**
 * Scales all amounts of a schedule by one factor, so that the pruned model takes at most, and nearly, a given share of the dense
 * one's FLOPs on some examples: the last step towards the target share of a training.
 * @throws TpError TP_FLOPS if no factor does that
 */
export async function fitSchedule(options: FitOptions): Promise<Fitted> {
  const { targetFlops, schedule } = options
  checkShare(targetFlops)
  let round = 0
  const onProgress = ({ done, total }: WorkDone): void =>
    options.onProgress?.({ done: round * total + done, total: HALVINGS * total })
  const measure = flopsMeasure({ ...options, onProgress })
  // Towards `less`, fewer tokens are kept: a higher threshold, a lower number.
  let [more, less] = [-WIDTH, WIDTH]
  let best: Fitted | undefined
  let least = Number.POSITIVE_INFINITY
  for (; round < HALVINGS; round++) {
    await pause(options.signal, 'train')
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
  const reason = `with the fewest possible tokens at layers ${[...schedule.keys()].join(', ')}, ${least.toFixed(3)} of the FLOPs remain`
  throw new TpError('TP_FLOPS', 'train', `${reason}, not ${targetFlops}; ask for more, or prune earlier layers`)
}

/** @throws TpError TP_FLOPS for an invalid share of the FLOPs */
export function checkShare(share: number): void {
  if (share > 0 && share < 1) return
  throw new TpError('TP_FLOPS', 'train', `the share of FLOPs is ${share}; it must be above 0 and below 1`)
}

/** Share of the FLOPs of the dense model, without its dead tokens like the pruned one, by schedule. */
export function flopsMeasure({
  model,
  inputs: all,
  runtime,
  load = (own) => runtime.load(encodeModel(own), { threads: 1 }),
  batchSize = 32,
  signal,
  onProgress,
  ...pruning
}: Omit<FitOptions, 'schedule' | 'targetFlops'>): (schedule: Schedule) => Promise<number> {
  const { method, params, restore, outputs } = pruning
  const others = {
    ...encoderOptions(pruning),
    ...(restore !== undefined && { restore }),
    ...(outputs !== undefined && { outputs }),
  }
  const watched = { ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const inputs = sampleExamples(all, RUN_AT_MOST)
  const tokens = inputs.lengths ?? inputs.targets.map(() => undefined)
  const dense = examplesFlops(pruned(model, { method: none(), schedule: new Map(), ...others }).model, tokens)
  return async (schedule) => {
    const settings = { method, schedule, ...(params && { params }), ...others }
    const plain = pruned(model, settings)
    if (!plain.reports[0].cuts.some(({ ragged }) => ragged)) return examplesFlops(plain.model, tokens) / dense
    const traced = pruned(model, { ...settings, trace: true })
    await using session = await load(traced.model)
    return examplesFlops(plain.model, tokens, await keptCounts(session, inputs, batchSize, watched)) / dense
  }
}

/** All amounts with fewer tokens by a factor; with more, if it is below 1. */
function scaled(schedule: Schedule, factor: number): Schedule {
  return new Map([...schedule].map(([layer, amount]) => [layer, scaledAmount(amount, factor)]))
}

function scaledAmount({ kind, value }: Amount, factor: number): Amount {
  return { kind, value: amountRules[kind].scaled(value, factor) }
}

/** A model with its pruning. @throws Refused */
export function pruned(model: Model, options: PruneOptions): Transformed<readonly [Transform<PruneReport>]> {
  return transform(model, prune(options))
}

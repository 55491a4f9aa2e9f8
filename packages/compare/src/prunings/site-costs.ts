import type { Inspection, PruneReport } from '@tp/compiler'
import { type NamedTensors, type Session, throwIfAborted } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { isText } from '../inputs/input-shapes.ts'
import { sampleInputs } from '../inputs/sample-inputs.ts'
import { timeInTurns, type VariantLatency } from '../times/time-in-turns.ts'

/** A pruned model whose cuts are timed. */
export interface CutsToTime {
  /** The model that was pruned, and its encoder. */
  readonly source: Model
  readonly inspection: Inspection
  readonly pruned: Omit<PruneReport, 'transform'> & { readonly model: Model }
  /** Opens a model where it can be timed: in this thread, on one. */
  openTimed(model: Model): Promise<Session>
  readonly signal?: AbortSignal | undefined
}

/** The cost that choosing the tokens adds to a model, before it saves anything. */
export interface SiteCosts {
  /** For each layer where tokens are pruned: nodes that the cut has added, those in the bodies of loops among them. */
  readonly nodes: readonly { readonly layer: number; readonly nodes: number }[]
  /** At the shape below, one thread, with all tokens kept; absent where there is no cut, or where its time cannot be told from none. */
  readonly milliseconds?: number
  /** That covers the true time with 95 % probability. */
  readonly interval?: { readonly low: number; readonly high: number }
  /** Batch × tokens (texts) or batch of the runs that were timed. */
  readonly shape: readonly number[]
}

type AddedTime = Required<Pick<SiteCosts, 'milliseconds' | 'interval'>>

const ROUNDS = 15
/** Position tables are rarely shorter. */
const TOKENS = 128

/**
 * @param sessions of the dense model and of one with the same cuts where every token is kept; within bounds, so that a shape at
 *   which they take too much is known before they are timed
 * @param keepingAll the second one
 */
export async function siteCosts(
  options: CutsToTime,
  sessions: { readonly dense: Session; readonly keepingAll: Session },
  keepingAll: Model,
): Promise<SiteCosts> {
  const { source, inspection, pruned, signal } = options
  const nodes = pruned.cuts.map(({ layer }) => ({ layer, nodes: nodesAt(pruned.model, layer) }))
  const shape = isText(inspection) ? [1, TOKENS] : [1]
  if (nodes.length === 0) return { nodes, shape }
  try {
    const inputs = sampleInputs(source, inspection, {
      batch: 1,
      tokens: isText(inspection) ? TOKENS : undefined,
      seed: 1,
    })
    for (const session of Object.values(sessions)) await session.run(inputs, signal && { signal })
    return { nodes, ...(await addedTime(options, { keepingAll, inputs, cuts: nodes.length })), shape }
  } catch (error) {
    throwIfAborted(signal, 'compare')
    // Its position table is shorter: a figure less, and no reason to refuse the model.
    if (isText(inspection)) return { nodes, shape }
    throw error
  }
}

function nodesAt({ proto }: Model, layer: number): number {
  const prefix = `tp/layer_${layer}/`
  const own = (proto.graph?.node ?? []).filter(({ name }) => name.startsWith(prefix))
  const inside = own.flatMap(({ attribute }) => attribute.flatMap(({ g }) => g?.node ?? []))
  return own.length + inside.length
}

interface TimedCuts {
  readonly keepingAll: Model
  readonly inputs: NamedTensors
  readonly cuts: number
}

/** The cost that each cut adds to a run. */
async function addedTime(
  { source, openTimed, signal }: CutsToTime,
  { keepingAll, inputs, cuts }: TimedCuts,
): Promise<AddedTime | undefined> {
  await using dense = await openTimed(source)
  await using cut = await openTimed(keepingAll)
  const { latencies } = await timeInTurns([dense, cut], [inputs], { rounds: ROUNDS, signal })
  const [whole, longer] = latencies as [VariantLatency, VariantLatency]
  return timeAdded(whole.totalMs / cuts, longer.speedup)
}

/**
 * By the ratio of the two in each round, which a slowdown of the machine touches on both sides; undefined where the rounds contradict each other:
 * where the interval reaches 0, or is wider than the time itself.
 */
export function timeAdded(denseMs: number, { value, low, high }: VariantLatency['speedup']): AddedTime | undefined {
  const [least, time, most] = [high, value, low].map((speedup) => denseMs * (1 / speedup - 1)) as [
    number,
    number,
    number,
  ]
  return least > 0 && most - least <= time ? { milliseconds: time, interval: { low: least, high: most } } : undefined
}

import { isText, sampleInputs } from '@tp/compare'
import { type NamedTensors, type Session, throwIfAborted } from '@tp/core/runtime'
import { comparePaired } from '@tp/eval/metrics'
import type { Model } from '@tp/onnx'
import { loadSession } from '../model/load-session.ts'
import type { VerifyOptions } from './verify-options.ts'

/** What choosing the tokens adds to a model, before it saves anything. */
export interface SiteCosts {
  /** For each layer where tokens are pruned: nodes that the cut has added, those in the bodies of loops among them. */
  readonly nodes: readonly { readonly layer: number; readonly nodes: number }[]
  /** At the shape below, one thread, with all tokens kept; absent where there is no cut. */
  readonly milliseconds?: number
  /** Batch × tokens (texts) or batch of the runs that were timed. */
  readonly shape: readonly number[]
}

const ROUNDS = 15
/** Position tables are rarely shorter. */
const TOKENS = 128

/**
 * @param sessions of the dense model and of one with the same cuts where every token is kept; within bounds, so that a shape at
 *   which they take too much is known before they are timed
 * @param keepingAll the second one
 */
export async function siteCosts(
  options: VerifyOptions,
  sessions: { readonly dense: Session; readonly keepingAll: Session },
  keepingAll: Model,
): Promise<SiteCosts> {
  const { file, model, pruned, signal } = options
  const nodes = pruned.cuts.map(({ layer }) => ({ layer, nodes: nodesAt(pruned.model, layer) }))
  const shape = isText(model) ? [1, TOKENS] : [1]
  if (nodes.length === 0) return { nodes, shape }
  try {
    const inputs = sampleInputs(file.model, model, { batch: 1, tokens: TOKENS, seed: 1 })
    for (const session of Object.values(sessions)) await session.run(inputs, { signal })
    const milliseconds = (await timeOf(options, keepingAll, inputs)) / nodes.length
    return { nodes, milliseconds, shape }
  } catch (error) {
    throwIfAborted(signal, 'tp')
    // Its position table is shorter: a figure less, and no reason to refuse the model.
    if (isText(model)) return { nodes, shape }
    throw error
  }
}

function nodesAt({ proto }: Model, layer: number): number {
  const prefix = `tp/layer_${layer}/`
  const own = (proto.graph?.node ?? []).filter(({ name }) => name.startsWith(prefix))
  const inside = own.flatMap(({ attribute }) => attribute.flatMap(({ g }) => g?.node ?? []))
  return own.length + inside.length
}

/** What the cuts add to a run, in milliseconds. */
async function timeOf({ file, signal }: VerifyOptions, keepingAll: Model, inputs: NamedTensors): Promise<number> {
  await using dense = await loadSession(file.model, file, { signal, threads: 1 })
  await using cut = await loadSession(keepingAll, file, { signal, threads: 1 })
  const { variants } = await comparePaired({ dense, cut }, [inputs], { rounds: ROUNDS, signal })
  const { dense: whole, cut: longer } = variants
  return Math.max(0, (longer?.totalMs ?? 0) - (whole?.totalMs ?? 0))
}

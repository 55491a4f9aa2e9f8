import type { NamedTensors } from '@tp/core/runtime'
import { tracedTokens, trajectoriesOf } from '@tp/eval/metrics'

/** Which tokens left a model where. */
export interface Leaving {
  /** For each token of the input the layer that it left at; undefined for those that stayed to the end. */
  readonly leftAt: readonly (number | undefined)[]
  /** How many tokens went on behind each layer where some could leave, in order. */
  readonly steps: readonly { readonly layer: number; readonly kept: number }[]
}

/**
 * Reads the trace of a run on one example.
 * @param real for each token of the input, whether it is one (and not padding)
 */
export function readLeaving(outputs: NamedTensors, real: readonly boolean[]): Leaving {
  const [ways = []] = trajectoriesOf(outputs, [real.length])
  const leftAt = ways.map(({ prunedAt }) => prunedAt)
  const steps = [...tracedTokens(outputs)].map(([layer, [tokens = []]]) => {
    return { layer, kept: tokens.filter((token) => real[token]).length }
  })
  return { leftAt, steps }
}

import type { NamedTensors } from '@tp/core/runtime'
import { tracedTokens, trajectoriesOf } from '@tp/metrics'

/** Which layer pruned which token. */
export interface TokenTrace {
  /** For each token of the input the layer that pruned it; undefined for those that were kept to the end. */
  readonly prunedAt: readonly (number | undefined)[]
  /** How many tokens were kept by each layer that prunes, in order. */
  readonly steps: readonly { readonly layer: number; readonly kept: number }[]
}

/**
 * Reads the trace of a run on one example.
 * @param real for each token of the input, whether it is one (and not padding)
 */
export function readTrace(outputs: NamedTensors, real: readonly boolean[]): TokenTrace {
  const [ways = []] = trajectoriesOf(outputs, [real.length])
  const prunedAt = ways.map(({ prunedAt }) => prunedAt)
  const steps = [...tracedTokens(outputs)].map(([layer, [tokens = []]]) => {
    return { layer, kept: tokens.filter((token) => real[token]).length }
  })
  return { prunedAt, steps }
}

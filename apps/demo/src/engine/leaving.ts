import type { NamedTensors } from '@tp/core'
import { tracedTokens } from '@tp/eval/browser'

/** Which tokens left a model where. */
export interface Leaving {
  /** For each token of the input the block that it left at; undefined for those that stayed to the end. */
  readonly leftAt: readonly (number | undefined)[]
  /** How many tokens went on behind each block where some could leave, in order. */
  readonly steps: readonly { readonly block: number; readonly kept: number }[]
}

/**
 * Reads the trace of a run on one example.
 * @param real for each token of the input, whether it is one (and not padding)
 */
export function readLeaving(outputs: NamedTensors, real: readonly boolean[]): Leaving {
  const leftAt: (number | undefined)[] = real.map(() => undefined)
  const steps: { block: number; kept: number }[] = []
  for (const [block, [tokens = []]] of tracedTokens(outputs)) {
    const kept = new Set(tokens.filter((token) => real[token]))
    for (const token of leftAt.keys()) {
      // Some methods bring tokens back.
      if (kept.has(token)) leftAt[token] = undefined
      else leftAt[token] ??= block
    }
    steps.push({ block, kept: kept.size })
  }
  return { leftAt, steps }
}

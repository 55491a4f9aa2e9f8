import type { NamedTensors, TensorLike } from '@tp/core'

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
  for (const block of tracedBlocks(outputs)) {
    const indices = outputs[`tp.trace.${block}.indices`] as TensorLike
    const valid = outputs[`tp.trace.${block}.valid`] as TensorLike
    const kept = new Set<number>()
    for (const [slot, index] of Array.from(indices.data as BigInt64Array, Number).entries()) {
      if (valid.data[slot] && real[index]) kept.add(index)
    }
    for (const token of leftAt.keys()) {
      // Some methods bring tokens back.
      if (kept.has(token)) leftAt[token] = undefined
      else leftAt[token] ??= block
    }
    steps.push({ block, kept: kept.size })
  }
  return { leftAt, steps }
}

function tracedBlocks(outputs: NamedTensors): number[] {
  return Object.keys(outputs)
    .flatMap((name) => /^tp\.trace\.(\d+)\.indices$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

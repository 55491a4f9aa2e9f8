import type { NamedTensors, TensorLike } from '@tp/core/runtime'

/**
 * An output of a model that was pruned with `trace`: which tokens stay behind a block, which of the slots hold one, and what
 * those that arrived there were ranked by.
 */
const TRACE = /^tp\.trace\.(\d+)\.(indices|valid|scores)$/

export function isTrace(output: string): boolean {
  return TRACE.test(output)
}

/** Blocks with a trace, ascending. */
export function tracedBlocks(outputs: NamedTensors): number[] {
  const blocks = Object.keys(outputs).flatMap((name) => TRACE.exec(name)?.[1] ?? [])
  return [...new Set(blocks)].map(Number).sort((a, b) => a - b)
}

/** Tokens left behind each pruned block of each example of a batch: block → count by row. Empty without traces. */
export function tracedCounts(outputs: NamedTensors): Map<number, number[]> {
  return new Map(tracedBlocks(outputs).map((block) => [block, slotsOf(outputs, block).map((slots) => slots.length)]))
}

/** The tokens themselves: block → places in the input, row by row, in the order of the slots. */
export function tracedTokens(outputs: NamedTensors): Map<number, number[][]> {
  return new Map(
    tracedBlocks(outputs).map((block) => {
      const indices = outputs[`tp.trace.${block}.indices`]?.data as BigInt64Array
      return [block, slotsOf(outputs, block).map((slots) => slots.map((slot) => Number(indices[slot])))]
    }),
  )
}

/** Positions in the trace's arrays that hold a token, row by row. */
function slotsOf(outputs: NamedTensors, block: number): number[][] {
  const { dims, data } = outputs[`tp.trace.${block}.valid`] as TensorLike
  const [rows = 0, width = 0] = dims
  const slots = Array.from({ length: width }, (_, i) => i)
  return Array.from({ length: rows }, (_, row) => slots.map((i) => row * width + i).filter((slot) => data[slot] === 1))
}

import type { NamedTensors, TensorLike } from '@tp/core/runtime'

/**
 * An output of a model that was pruned with `trace`: which tokens stay behind a layer, which of the slots hold one, and what
 * those that arrived there were ranked by.
 */
const TRACE = /^tp\.trace\.(\d+)\.(indices|valid|scores)$/

export function isTrace(output: string): boolean {
  return TRACE.test(output)
}

/** Layers with a trace, ascending. */
export function tracedLayers(outputs: NamedTensors): number[] {
  const layers = Object.keys(outputs).flatMap((name) => TRACE.exec(name)?.[1] ?? [])
  return [...new Set(layers)].map(Number).sort((a, b) => a - b)
}

/** Tokens left behind each pruned layer of each example of a batch: layer → count by row. Empty without traces. */
export function tracedCounts(outputs: NamedTensors): Map<number, number[]> {
  return new Map(tracedLayers(outputs).map((layer) => [layer, slotsOf(outputs, layer).map((slots) => slots.length)]))
}

/** The tokens themselves: layer → places in the input, row by row, in the order of the slots. */
export function tracedTokens(outputs: NamedTensors): Map<number, number[][]> {
  return new Map(
    tracedLayers(outputs).map((layer) => {
      const indices = outputs[`tp.trace.${layer}.indices`]?.data as BigInt64Array
      return [layer, slotsOf(outputs, layer).map((slots) => slots.map((slot) => Number(indices[slot])))]
    }),
  )
}

/** Positions in the trace's arrays that hold a token, row by row. */
function slotsOf(outputs: NamedTensors, layer: number): number[][] {
  const { dims, data } = outputs[`tp.trace.${layer}.valid`] as TensorLike
  const [rows = 0, width = 0] = dims
  const slots = Array.from({ length: width }, (_, i) => i)
  return Array.from({ length: rows }, (_, row) => slots.map((i) => row * width + i).filter((slot) => data[slot] === 1))
}

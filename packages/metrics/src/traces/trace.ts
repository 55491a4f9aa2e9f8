import type { NamedTensors, TensorLike } from '@tp/core/runtime'

/**
 * An output of a model that was pruned with `trace`: the tokens kept at a layer, which slots hold one, and the scores of the
 * tokens that arrived.
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

/** Numbers of kept tokens at each pruned layer: layer → count by example. Empty without traces. */
export function tracedCounts(outputs: NamedTensors): Map<number, number[]> {
  return new Map(tracedLayers(outputs).map((layer) => [layer, slotsOf(outputs, layer).map((slots) => slots.length)]))
}

/** The kept tokens: layer → positions in the input, by example, in the order of the slots. */
export function tracedTokens(outputs: NamedTensors): Map<number, number[][]> {
  return new Map(
    tracedLayers(outputs).map((layer) => {
      const indices = outputs[`tp.trace.${layer}.indices`]?.data as BigInt64Array
      return [layer, slotsOf(outputs, layer).map((slots) => slots.map((slot) => Number(indices[slot])))]
    }),
  )
}

/** Indices of the trace's arrays that hold a token, by example. */
function slotsOf(outputs: NamedTensors, layer: number): number[][] {
  const { dims, data } = outputs[`tp.trace.${layer}.valid`] as TensorLike
  const [rows = 0, width = 0] = dims
  const slots = Array.from({ length: width }, (_, i) => i)
  return Array.from({ length: rows }, (_, row) => slots.map((i) => row * width + i).filter((slot) => data[slot] === 1))
}

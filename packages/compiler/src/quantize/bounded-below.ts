import type { Graph } from '@tp/onnx'
import { argumentOfGelu } from '../analyze/gelu.ts'
import { LEAST_OF_GELU } from '../operators/elementwise.ts'
import { operatorOf } from '../operators/traits.ts'

/** The least number that a value can hold, by the function that makes it: 0 for ReLU, −0.17 for GELU; undefined where none is known. */
export function leastOf(graph: Graph, name: string): number | undefined {
  const node = graph.producer(name)
  if (node === undefined) return undefined
  return operatorOf(node)?.least?.(node) ?? (argumentOfGelu(graph, node) === undefined ? undefined : LEAST_OF_GELU)
}

import { type Graph, readAttributes, readConstant } from '@tp/onnx'

/** The numbers of a weight in the file itself, or of a node `Constant`; undefined for other values. */
export function constantNumbers(graph: Graph, name: string): ArrayLike<number | bigint> | undefined {
  const weight = graph.initializer(name)
  const node = graph.producer(name)
  const value = weight
    ? weight.externalData.length === 0 && readConstant(weight)
    : node?.opType === 'Constant' && readAttributes(node)?.value
  return typeof value === 'object' && 'data' in value ? (value.data as ArrayLike<number | bigint>) : undefined
}

/** The same, if it is one number. */
export function constantNumber(graph: Graph, name: string): number | undefined {
  const numbers = constantNumbers(graph, name)
  return numbers?.length === 1 ? Number(numbers[0]) : undefined
}

import { type Graph, type NodeProto, readAttributes } from '@tp/onnx'
import { constantNumber, constantNumbers } from './graph-constant.ts'

/** A norm over the last axis: (x − mean) / √(variance + epsilon) · gain + bias; `gain` and `bias` are initializers. */
export interface LayerNorm {
  readonly x: string
  readonly gain: string
  readonly bias: string
  readonly epsilon: number
  /** The nodes that compute it, the last one first. */
  readonly nodes: readonly NodeProto[]
}

/** The norm that a value is, as one operator or written out; undefined for other values. */
export function layerNormOf(graph: Graph, name: string): LayerNorm | undefined {
  const node = graph.producer(name)
  if (node?.domain !== '') return undefined
  if (node.opType !== 'LayerNormalization') return writtenOut(graph, name)
  const [x = '', gain = '', bias = ''] = node.input
  const { axis = -1, epsilon = 1e-5 } = readAttributes(node) ?? {}
  const areConstant = [gain, bias].every((weight) => graph.initializer(weight) !== undefined)
  const isAlone = node.output.filter((output) => output !== '').length === 1
  return axis === -1 && areConstant && isAlone ? { x, gain, bias, epsilon: Number(epsilon), nodes: [node] } : undefined
}

function writtenOut(graph: Graph, name: string): LayerNorm | undefined {
  const nodes: NodeProto[] = []
  const made = (value: string | undefined, type: string): readonly string[] => {
    const node = value === undefined ? undefined : graph.producer(value)
    if (node?.opType !== type || node.domain !== '') return []
    nodes.push(node)
    return node.input
  }
  const withWeight = (value: string | undefined, type: string): { weight: string; other: string } | undefined => {
    const [a = '', b = ''] = made(value, type)
    if (graph.initializer(b) !== undefined) return { weight: b, other: a }
    return graph.initializer(a) === undefined ? undefined : { weight: a, other: b }
  }
  const shifted = withWeight(name, 'Add')
  const scaled = withWeight(shifted?.other, 'Mul')
  const [centered, deviation] = made(scaled?.other, 'Div')
  const [x, mean] = made(centered, 'Sub')
  const [sum] = made(deviation, 'Sqrt')
  const [variance, least = ''] = made(sum, 'Add')
  const [square] = reducedMean(graph, variance, nodes)
  const [base, exponent = ''] = made(square, 'Pow')
  const epsilon = constantNumber(graph, least)
  if (x === undefined || epsilon === undefined || constantNumber(graph, exponent) !== 2) return undefined
  if (reducedMean(graph, mean, nodes)[0] !== x) return undefined
  const isSame = base === centered || made(base, 'Sub').join() === [x, mean].join()
  return isSame ? { x, gain: scaled?.weight as string, bias: shifted?.weight as string, epsilon, nodes } : undefined
}

/** The value of which another is the mean over the last axis, which is kept. */
function reducedMean(graph: Graph, name: string | undefined, nodes: NodeProto[]): readonly string[] {
  const node = name === undefined ? undefined : graph.producer(name)
  if (node?.opType !== 'ReduceMean') return []
  const { axes, keepdims = 1 } = readAttributes(node) ?? {}
  const reduced = node.input[1] === undefined ? axes : constantNumbers(graph, node.input[1])
  if (keepdims === 0 || `${reduced}` !== '-1') return []
  nodes.push(node)
  return node.input
}

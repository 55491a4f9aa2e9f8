import { capturedNames, dtypeOf, type GraphProto, type Model, type NodeProto, type TensorProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { nodesOf } from './node-names.ts'

/** Weights in float32 that one kind of operator reads. */
export interface FloatWeights {
  /** `Conv`, `MatMul in Loop`; several where one tensor has several readers */
  readonly operator: string
  readonly bytes: number
}

/** Smaller tensors (biases, norms) are a trifle in any form: share of all bytes in float32. */
const LEAST = 0.01

/** Matrices (and tensors of more axes) of a model that are in float32, by what reads them, most bytes first. */
export function floatWeights({ proto }: Model): FloatWeights[] {
  const all = graphsOf(proto.graph).flatMap((graph) => graph.initializer.map((tensor) => ({ graph, tensor })))
  const floats = all.filter(({ tensor }) => dtypeOf(tensor.dataType) === 'float32')
  const total = floats.reduce((sum, { tensor }) => sum + bytesOf(tensor), 0)
  const readers = new Readers()
  const found = new Map<string, number>()
  for (const { graph, tensor } of floats) {
    if (tensor.dims.length < 2 || bytesOf(tensor) < LEAST * total) continue
    const operator = [...new Set(readers.of(graph, tensor.name))].join(', ')
    found.set(operator, (found.get(operator) ?? 0) + bytesOf(tensor))
  }
  return [...found].map(([operator, bytes]) => ({ operator, bytes })).sort((a, b) => b.bytes - a.bytes)
}

/** The readers of a value of a graph, also in its bodies, and where exporters transpose it or pass it on under other names. */
class Readers {
  readonly #nodes = new Map<GraphProto, Map<string, NodeProto[]>>()

  of(graph: GraphProto, name: string): string[] {
    return (this.#nodesOf(graph).get(name) ?? []).flatMap((node) => {
      const inside = bodiesOf(node).flatMap((body) => this.of(body, name))
      if (!node.input.includes(name))
        return node.opType === 'If' ? inside : inside.map((reader) => `${reader} in ${node.opType}`)
      const isPassedOn = node.opType === 'Identity' || node.opType === 'Transpose'
      return isPassedOn ? this.of(graph, node.output[0] as string) : [operatorName(node)]
    })
  }

  #nodesOf(graph: GraphProto): Map<string, NodeProto[]> {
    const known = this.#nodes.get(graph)
    if (known !== undefined) return known
    const nodes = new Map<string, NodeProto[]>()
    for (const node of graph.node) {
      for (const name of new Set([...node.input, ...capturedNames(node)])) {
        const others = nodes.get(name)
        if (others === undefined) nodes.set(name, [node])
        else others.push(node)
      }
    }
    this.#nodes.set(graph, nodes)
    return nodes
  }
}

/** A graph, and all bodies in it. */
function graphsOf(graph: GraphProto | undefined): GraphProto[] {
  return graph === undefined ? [] : [graph, ...nodesOf(graph).flatMap(bodiesOf)]
}

function bodiesOf({ attribute }: NodeProto): GraphProto[] {
  return attribute.flatMap(({ g }) => g ?? [])
}

function bytesOf({ dims }: TensorProto): number {
  return 4 * dims.reduce((product, size) => product * Number(size), 1)
}

import { capturedNames, dtypeOf, type GraphProto, type Model, type NodeProto, type TensorProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { hasTrait } from '../operators/traits.ts'
import { isOfPruning, nodesOf, shownName } from './node-names.ts'

/** Weights in float32 that one kind of operator reads. */
export interface FloatWeights {
  /** `Conv`, `MatMul in Loop`; several where one tensor has several readers */
  readonly operator: string
  readonly bytes: number
  /** Why they are not in 8 bits. */
  readonly why: string
}

/** Smaller tensors (biases, norms) are a trifle in any form: share of all bytes in float32. */
const LEAST = 0.01

/**
 * Matrices (and tensors of more axes) of a model that are in float32, by what reads them, most bytes first.
 * @param exclude names of nodes that are kept in float32 as asked
 */
export function floatWeights({ proto }: Model, exclude: ReadonlySet<string>): FloatWeights[] {
  const all = graphsOf(proto.graph).flatMap((graph) => graph.initializer.map((tensor) => ({ graph, tensor })))
  const floats = all.filter(({ tensor }) => dtypeOf(tensor.dataType) === 'float32')
  const total = floats.reduce((sum, { tensor }) => sum + bytesOf(tensor), 0)
  const readers = new Readers()
  const found = new Map<string, FloatWeights>()
  for (const { graph, tensor } of floats) {
    if (tensor.dims.length < 2 || bytesOf(tensor) < LEAST * total) continue
    const reads = readers.of(graph, tensor.name)
    const operator = [...new Set(reads.map(shownRead))].join(', ')
    const why = [...new Set(reads.map((read) => reasonOf(read, exclude)))].join(', ') || 'nothing reads it'
    const key = `${operator}: ${why}`
    found.set(key, { operator, bytes: (found.get(key)?.bytes ?? 0) + bytesOf(tensor), why })
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes)
}

/** A node that reads a tensor, under this name. */
interface Read {
  readonly node: NodeProto
  readonly name: string
  /** The nodes whose bodies it is in, from inside, without branches. */
  readonly bodies: readonly string[]
}

function shownRead({ node, bodies }: Read): string {
  return [operatorName(node), ...bodies].join(' in ')
}

function reasonOf({ node, name, bodies }: Read, exclude: ReadonlySet<string>): string {
  if (exclude.has(shownName(node))) return 'kept in float32 as asked'
  if (isOfPruning(node)) return 'of the pruning, whose choice rounding must not change'
  if (bodies.length > 0) return 'in a body, where nothing is rounded'
  if (hasTrait(node, 'convolution')) return 'convolutions are not rounded'
  if (hasTrait(node, 'recurrent')) return 'recurrent layers are not rounded'
  if (!hasTrait(node, 'product')) return 'neither a factor of a product nor a table of rows'
  return node.input[0] === name
    ? 'the first factor, and only second ones are rounded'
    : 'a product in a form that is not rounded'
}

/** The readers of a value of a graph, also in its bodies, and where exporters transpose it or pass it on under other names. */
class Readers {
  readonly #nodes = new Map<GraphProto, Map<string, NodeProto[]>>()

  of(graph: GraphProto, name: string): Read[] {
    return (this.#nodesOf(graph).get(name) ?? []).flatMap((node) => {
      const inside = bodiesOf(node).flatMap((body) => this.of(body, name))
      if (!node.input.includes(name))
        return node.opType === 'If'
          ? inside
          : inside.map((read) => ({ ...read, bodies: [...read.bodies, node.opType] }))
      const isPassedOn = node.opType === 'Identity' || node.opType === 'Transpose'
      return isPassedOn ? this.of(graph, node.output[0] as string) : [{ node, name, bodies: [] }]
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

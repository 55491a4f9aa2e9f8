import type { ConstantData } from '@tp/core/expression'
import {
  cloneModel,
  createNode,
  type GraphProto,
  type Model,
  type NodeProto,
  readConstant,
  type TensorProto,
  writeTensor,
} from '@tp/onnx'
import { attribute, unpackNibbles } from './matmul-nbits.ts'

/** Element types by ONNX's number. */
const FLOAT = 1
const FLOAT16 = 10

const quantized = /^(QLinear|Q[A-Z]|Quantize|DynamicQuantize|MatMulInteger|MatMulNBits|ConvInteger)/

/**
 * The same weights in a graph that computes in float32: what an int8, 4-bit or half-precision file would give were it
 * not for its rounding of activations. Weights remain rounded. Undefined if the file is in full precision.
 * @throws Error for a quantized operator that is not known here
 */
export function fullPrecision(model: Model): Model | undefined {
  const copy = cloneModel(model)
  const graph = copy.proto.graph as GraphProto
  const before = graph.node.map(({ opType }) => opType)
  const hasHalves = toSingle(graph, model)
  dequantize(graph, model)
  const isSame = graph.node.every(({ opType }, i) => opType === before[i])
  const unknown = graph.node.find(({ opType }) => quantized.test(opType))
  if (unknown !== undefined) throw new Error(`${unknown.opType} is not known in full precision`)
  if (!isSame) graph.valueInfo = []
  return isSame && !hasHalves ? undefined : copy
}

/** Half precision → single, everywhere; true if there was any. */
function toSingle(graph: GraphProto, model: Model): boolean {
  let found = false
  const single = (tensor: TensorProto): TensorProto => {
    if (tensor.dataType !== FLOAT16) return tensor
    found = true
    const { dims, data } = readConstant(tensor, model.external)
    return writeTensor({ dtype: 'float32', dims, data }, tensor.name)
  }
  graph.initializer = graph.initializer.map(single)
  for (const { type } of [...graph.input, ...graph.output, ...graph.valueInfo]) {
    if (type?.value.case === 'tensorType' && type.value.value.elemType === FLOAT16) {
      found = true
      type.value.value.elemType = FLOAT
    }
  }
  for (const node of graph.node) {
    for (const entry of node.attribute) {
      if (entry.t !== undefined) entry.t = single(entry.t)
      if (entry.g !== undefined) found = toSingle(entry.g, model) || found
      if (node.opType === 'Cast' && entry.name === 'to' && entry.i === BigInt(FLOAT16)) {
        found = true
        entry.i = BigInt(FLOAT)
      }
    }
  }
  return found
}

/** Quantized operators → those that they stand for. A quantized activation becomes itself, with scale 1 and no shift. */
function dequantize(graph: GraphProto, model: Model): void {
  const weights = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]))
  const constant = (name: string, dims: readonly number[], data: Float32Array): string => {
    graph.initializer.push(writeTensor({ dtype: 'float32', dims, data }, name))
    return name
  }
  const valuesOf = (name: string | undefined): ConstantData | undefined => {
    const weight = weights.get(name ?? '')
    return weight && readConstant(weight, model.external)
  }
  /** A product's weight less its zero point, which is one for all or one for each column (or filter). */
  const shift = (node: NodeProto, columns: 'last' | 'first'): void => {
    const weight = valuesOf(node.input[1])
    if (weight !== undefined) {
      const zeros = valuesOf(node.input[3])?.data ?? [0]
      const each = columns === 'last' ? 1 : weight.data.length / (weight.dims[0] ?? 1)
      const values = Float32Array.from(
        weight.data,
        (x, i) => x - (zeros[Math.floor(i / each) % zeros.length] as number),
      )
      node.input[1] = constant(`${node.output[0]}/weight`, weight.dims, values)
    }
    node.input.length = 2
  }
  // integers of the file that are floats in the copy, also after nodes that only move them
  const floats = new Set<string>()
  const pass = ({ name, input, output }: NodeProto): NodeProto =>
    createNode({ type: 'Identity', name, inputs: input.slice(0, 1), outputs: output.slice(0, 1) })
  graph.node = graph.node.map((node) => {
    const [x = ''] = node.input
    const [y = '', scale = ''] = node.output
    switch (node.opType) {
      case 'DynamicQuantizeLinear':
        constant(scale, [], Float32Array.of(1))
        floats.add(y)
        return pass(node)
      case 'QuantizeLinear':
        floats.add(y)
        return pass(node)
      case 'DequantizeLinear':
        return floats.has(x) ? pass(node) : node
      case 'MatMulInteger':
        node.opType = 'MatMul'
        shift(node, 'last')
        return node
      case 'ConvInteger':
        node.opType = 'Conv'
        shift(node, 'first')
        return node
      case 'MatMulNBits': {
        const size = { rows: attribute(node, 'K'), columns: attribute(node, 'N'), block: attribute(node, 'block_size') }
        const [packed, scales, zeros] = [1, 2, 3].map((i) => valuesOf(node.input[i])?.data)
        if (packed === undefined || scales === undefined || node.input.slice(4).some((name) => name !== '')) {
          throw new Error(
            'MatMulNBits with computed weights, reordered groups or a bias is not known in full precision',
          )
        }
        const weight = constant(`${y}/weight`, [size.rows, size.columns], unpackNibbles(packed, scales, zeros, size))
        return createNode({ type: 'MatMul', name: node.name, inputs: [x, weight], outputs: [y] })
      }
      default:
        if (floats.has(x)) floats.add(y)
        return node
    }
  })
}

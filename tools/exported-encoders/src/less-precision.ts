import type { ConstantData } from '@tp/core/expression'
import {
  cloneModel,
  createNode,
  Graph,
  type GraphProto,
  type Model,
  type NodeProto,
  readConstant,
  type TensorProto,
  writeTensor,
} from '@tp/onnx'

/** Element types by ONNX's number. */
const FLOAT = 1n
const FLOAT16 = 10

/** Forms that onnxruntime's tools make of a file in float32. */
export type Precision = 'float16' | 'dynamic int8' | 'QDQ' | '4-bit'

/**
 * A float32 file as it is in less precision. `float16`: everywhere but in inputs (texts have none) and outputs. The others: products with weights
 * [k,n], of activations that are quantized as they come (`dynamic int8`), between QuantizeLinear and DequantizeLinear (`QDQ`), or
 * not at all (`4-bit`, MatMulNBits).
 */
export function lessPrecision(model: Model, precision: Precision): Model {
  const copy = cloneModel(model)
  const graph = copy.proto.graph as GraphProto
  if (precision === 'float16') toHalf(graph, model)
  else quantizeProducts(graph, model, precision)
  if (precision === '4-bit') new Graph(copy).importOperators('com.microsoft')
  graph.valueInfo = []
  return copy
}

const LOWEST_HALF = -65504

function toHalf(graph: GraphProto, model: Model): void {
  const half = (tensor: TensorProto): TensorProto => {
    if (tensor.dataType !== Number(FLOAT)) return tensor
    const { dims, data } = readConstant(tensor, model.external)
    const clipped = Float64Array.from(data, (x) => Math.max(LOWEST_HALF, x))
    return writeTensor({ dtype: 'float16', dims, data: clipped }, tensor.name)
  }
  graph.initializer = graph.initializer.map(half)
  for (const node of graph.node) {
    for (const entry of node.attribute) {
      if (entry.t !== undefined) entry.t = half(entry.t)
      if (node.opType === 'Cast' && entry.name === 'to' && entry.i === FLOAT) entry.i = BigInt(FLOAT16)
    }
  }
  for (const { name, type } of graph.output) {
    if (type?.value.case !== 'tensorType' || type.value.value.elemType !== Number(FLOAT)) continue
    const inside = `${name}/half`
    for (const node of graph.node) {
      node.input = node.input.map((each) => (each === name ? inside : each))
      node.output = node.output.map((each) => (each === name ? inside : each))
    }
    const attributes = { to: Number(FLOAT) }
    graph.node.push(createNode({ type: 'Cast', name, inputs: [inside], outputs: [name], attributes }))
  }
}

function quantizeProducts(graph: GraphProto, model: Model, precision: Exclude<Precision, 'float16'>): void {
  const weights = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]))
  const add = (name: string, contents: ConstantData): string => {
    graph.initializer.push(writeTensor(contents, name))
    return name
  }
  graph.node = graph.node.flatMap((node) => {
    const [x = '', w = ''] = node.input
    const tensor = node.opType === 'MatMul' ? weights.get(w) : undefined
    const weight = tensor && readConstant(tensor, model.external)
    if (weight?.dims.length !== 2 || weight.dtype !== 'float32') return [node]
    return precision === '4-bit' ? [fourBits(node, weight, add)] : eightBits(node, weight, precision, { x, add })
  })
}

type Add = (name: string, contents: ConstantData) => string

/** One scale for all of the weight. */
function eightBits(
  node: NodeProto,
  { dims, data }: ConstantData,
  precision: 'dynamic int8' | 'QDQ',
  { x, add }: { readonly x: string; readonly add: Add },
): NodeProto[] {
  const y = node.output[0] as string
  const name = (part: string): string => `${y}/${part}`
  const size = Math.max(...Array.from(data, Math.abs), 1e-6) / 127
  const whole = Float64Array.from(data, (value) => Math.round(value / size))
  const q = add(name('weight'), { dtype: 'int8', dims, data: whole })
  const scale = add(name('scale'), { dtype: 'float32', dims: [], data: Float32Array.of(size) })
  const zero = add(name('zero'), { dtype: 'int8', dims: [], data: Float64Array.of(0) })
  const op = (type: string, inputs: readonly string[], outputs: readonly string[], to?: number): NodeProto =>
    createNode({ type, name: outputs[0] as string, inputs, outputs, ...(to !== undefined && { attributes: { to } }) })
  if (precision === 'QDQ') {
    const step = add(name('step'), { dtype: 'float32', dims: [], data: Float32Array.of(0.06) })
    return [
      op('QuantizeLinear', [x, step, zero], [name('x')]),
      op('DequantizeLinear', [name('x'), step, zero], [name('x32')]),
      op('DequantizeLinear', [q, scale, zero], [name('w32')]),
      op('MatMul', [name('x32'), name('w32')], [y]),
    ]
  }
  return [
    op('DynamicQuantizeLinear', [x], [name('x'), name('step'), name('shift')]),
    op('MatMulInteger', [name('x'), q, name('shift'), zero], [name('sum')]),
    op('Cast', [name('sum')], [name('sum32')], 1),
    op('Mul', [name('step'), scale], [name('factor')]),
    op('Mul', [name('sum32'), name('factor')], [y]),
  ]
}

const BLOCK = 16

/** com.microsoft::MatMulNBits: column by column, in blocks of rows, two to a byte with the lower half first; zero is 8. */
function fourBits(node: NodeProto, { dims, data }: ConstantData, add: Add): NodeProto {
  const y = node.output[0] as string
  const [rows = 0, columns = 0] = dims
  const blocks = Math.ceil(rows / BLOCK)
  const packed = new Float64Array((columns * blocks * BLOCK) / 2)
  const scales = new Float32Array(columns * blocks)
  for (let column = 0; column < columns; column++) {
    for (let block = 0; block < blocks; block++) {
      const value = (i: number): number =>
        block * BLOCK + i < rows ? (data[(block * BLOCK + i) * columns + column] as number) : 0
      const values = Array.from({ length: BLOCK }, (_, i) => value(i))
      const at = column * blocks + block
      const scale = Math.max(...values.map(Math.abs), 1e-6) / 7
      scales[at] = scale
      for (const [i, each] of values.entries()) {
        const byte = (at * BLOCK + i) >> 1
        packed[byte] = (packed[byte] as number) + ((Math.round(each / scale) + 8) << (i % 2 === 0 ? 0 : 4))
      }
    }
  }
  const inputs = [
    node.input[0] as string,
    add(`${y}/packed`, { dtype: 'uint8', dims: [columns, blocks, BLOCK / 2], data: packed }),
    add(`${y}/scales`, { dtype: 'float32', dims: [columns * blocks], data: scales }),
  ]
  const attributes = { K: rows, N: columns, bits: 4, block_size: BLOCK }
  return createNode({ type: 'MatMulNBits', domain: 'com.microsoft', name: node.name, inputs, outputs: [y], attributes })
}

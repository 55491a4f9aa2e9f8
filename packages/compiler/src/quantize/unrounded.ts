import type { Attributes } from '@tp/core/expression'
import {
  cloneModel,
  codeOf,
  createNode,
  dtypeOf,
  Graph,
  type Model,
  type NodeProto,
  readTensor,
  type TensorProto,
  writeTensor,
} from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { eachNode } from './each-node.ts'
import { forgetShapes } from './forget-shapes.ts'
import { type QuantizedGraph, turned, withRoundedWeights } from './quantized-graph.ts'
import { centeredWeights } from './ranged-products.ts'

/** A file of protobuf ends at 2 GiB. */
const MOST = 2 ** 30
/** Half a level, and what single precision may add to it. */
const HALF = 0.5 + 1e-3
const TO_FLOAT: Attributes = { to: codeOf('float32') }
/** The least and the largest number that becomes a byte: their names in the model. */
const [LOW, HIGH] = ['tp/unrounded/low', 'tp/unrounded/high']

/**
 * A model that `quantize` wrote, as it would compute if it rounded nothing: it answers as its source does, but for the order of sums. Weights
 * are those of the source on the scales of the 8-bit ones; what rounds activations keeps their limits.
 * @returns undefined where 8-bit weights have no floats in the source, or an 8-bit operator is not one of those that round by token
 * @throws Refused TP_VALUE for 8-bit weights that are not the rounded ones of the source; what reading a graph fails with
 * @example
 * const same = unrounded(transform(dense, quantize()).model, dense)
 */
export function unrounded(rounded: Model, source: Model): Model | undefined {
  const model = cloneModel(rounded)
  const [graph, floats] = [new Graph(model), withRoundedWeights(new Graph(source))]
  let bytes = 0
  for (const tensor of graph.initializers.filter(isMatrixOfBytes)) {
    const numbers = numbersOf(tensor, graph, floats)
    bytes += numbers?.byteLength ?? MOST
    if (numbers === undefined || bytes >= MOST) return undefined
    const { dataType, rawData } = writeTensor(
      { type: 'float32', dims: tensor.dims.map(Number), data: numbers },
      tensor.name,
    )
    Object.assign(tensor, { dataType, rawData, int32Data: [], externalData: [], dataLocation: 0 })
  }
  graph.addInitializer(LOW, { type: 'float32', dims: [], data: Float32Array.of(-HALF) })
  graph.addInitializer(HIGH, { type: 'float32', dims: [], data: Float32Array.of(255 + HALF) })
  return written(model, { ...rounding, ...products })
}

/**
 * A model that `quantize` wrote, with the same numbers in 8 bits, whose products are computed in floats: there no sum saturates, as sums of 8-bit products
 * do on some processors (x86 without VNNI).
 * @returns undefined for 8-bit operators of other kinds
 * @throws what reading a graph fails with
 */
export function withExactProducts(rounded: Model): Model | undefined {
  return written(cloneModel(rounded), products)
}

/** @returns undefined where an 8-bit operator has no formula that it could be replaced by */
function written(model: Model, formulas: Readonly<Record<string, Formula>>): Model | undefined {
  const graph = new Graph(model)
  let isWhole = true
  eachNode(withRoundedWeights(graph), (node, to) => {
    const formula = formulas[node.opType]
    if (formula !== undefined) replace(node, formula, to)
    else if (/Integer|Quantize(?!Linear)/.test(node.opType)) isWhole = false
  })
  if (!isWhole) return undefined
  graph.removeDeadNodes()
  forgetShapes(model)
  return model
}

function isMatrixOfBytes({ dataType, dims }: TensorProto): boolean {
  const type = dtypeOf(dataType)
  return dims.length >= 2 && (type === 'int8' || type === 'uint8')
}

/**
 * The numbers that 8-bit weights were rounded from, on their scale: w / scale + zero. `quantize` names a matrix and its scales after the weights.
 * @throws Refused TP_VALUE where that is not within half a level of the 8-bit numbers
 */
function numbersOf(tensor: TensorProto, graph: Graph, source: QuantizedGraph): Float32Array | undefined {
  const [, name = '', count = ''] = /^(.*)_quantized(_\d+)?$/.exec(tensor.name) ?? []
  const read = (part: string): Float32Array | undefined => {
    const found = graph.initializer(`${name}_${part}${count}`)
    return found && Float32Array.from(readTensor(found, graph.model.external).data as Float32Array)
  }
  const [weights, scales, zeros] = [source.weights(name), read('scale'), read('zero_point')]
  if (weights === undefined || scales === undefined) return undefined
  const { dims, data } = readTensor(tensor, graph.model.external)
  const values = readTensor(weights.tensor, source.graph.model.external).data as Float32Array
  // A loop: it takes as long as the rounding itself.
  const among = (numbers: Float32Array, channelOf: (i: number) => number): Float32Array | undefined => {
    const levels = new Float32Array(numbers.length)
    for (let i = 0; i < levels.length; i++) {
      const channel = scales.length === 1 ? 0 : channelOf(i)
      const level = (numbers[i] as number) / (scales[channel] as number) + (zeros?.[channel] ?? 0)
      if (Math.abs(level - (data[i] as number)) > HALF) return undefined
      levels[i] = level
    }
    return levels
  }
  const size = dims.at(-1) as number
  const column = (i: number): number => i % size
  // A scale for each column, of the weights or of their transpose; or for each row of a table that is a product's weights, too.
  const levels =
    among(values, column) ??
    among(turned(values, size, values.length / size), column) ??
    among(values, (i) => Math.floor(i / size))
  if (levels !== undefined) return levels
  throw new Refused('TP_VALUE', 'these 8-bit weights are not those of the source, rounded', tensor.name)
}

/** Writes nodes in place of one, with its outputs. */
type Formula = (node: NodeProto, writer: Writer) => void

interface Writer {
  /** @param outputs a new one by default; returns the first */
  add(type: string, inputs: readonly string[], outputs?: readonly string[]): string
  /** 8-bit numbers less their zero point, in floats. */
  centered(data: string, zero: string | undefined): string
}

/** (A − zero)·(B − zero) */
const multiply: Formula = ({ input: [a = '', b = '', ofA, ofB], output }, { add, centered }) => {
  add('MatMul', [centered(a, ofA), centered(b, ofB)], output)
}

/** Attention of floats: both factors times their scales. */
const attend: Formula = ({ input, output }, { add, centered }) => {
  const [a = '', b = '', bias = '', scaleOfA = '', scaleOfB = '', mask = '', ofA, ofB, ...past] = input
  const factors = [add('Mul', [centered(a, ofA), scaleOfA]), add('Mul', [centered(b, ofB), scaleOfB])]
  add('Attention', [...factors, bias, mask, ...past], output)
}

/** x / scale + zero, within the limits of a byte; 0 / 0 of a row of zeros becomes 0, which is multiplied by 0. */
const divide: Formula = ({ input: [value = '', scale = '', zero = ''], output }, { add }) => {
  const steps = add('Div', [value, scale])
  const numbers = add('Where', [add('IsNaN', [steps]), add('Sub', [scale, scale]), steps])
  add('Clip', [add('Add', [numbers, add('Cast', [zero])]), LOW, HIGH], output)
}

/** The same by the scale and the zero point of all of a tensor. */
const divideByRange: Formula = (node, writer) => {
  const [data = '', scale = '', zero = ''] = node.output
  writer.add('DynamicQuantizeLinear', node.input, [`${data}_rounded`, scale, zero])
  divide({ ...node, input: [node.input[0] as string, scale, zero], output: [data] }, writer)
}

/** (q − zero)·scale */
const dequantize: Formula = ({ input: [data = '', scale = '', zero], output }, { add, centered }) => {
  add('Mul', [centered(data, zero), scale], output)
}

const products = { MatMulInteger: multiply, QAttention: attend }
const rounding = { QuantizeLinear: divide, DynamicQuantizeLinear: divideByRange, DequantizeLinear: dequantize }

function replace(node: NodeProto, formula: Formula, to: QuantizedGraph): void {
  const { graph } = to
  const nodes: NodeProto[] = []
  const of = node.output[0] as string
  formula(node, {
    add(type, inputs, outputs = [to.uniqueName(`${of}_${type}`)]) {
      const own = createNode({ type, inputs, outputs, ...(type === 'Cast' && { attributes: TO_FLOAT }) })
      if (type === 'Attention') Object.assign(own, { domain: node.domain, attribute: node.attribute })
      nodes.push(own)
      return outputs[0] as string
    },
    centered(data, zero = '') {
      const { nodes: own, weights } = centeredWeights({ data, zero }, of, to)
      nodes.push(...own)
      return weights
    },
  })
  const next = graph.nodes[graph.nodes.indexOf(node) + 1]
  graph.remove(node)
  graph.insert(nodes, next)
}

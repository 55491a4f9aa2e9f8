import type { Attributes } from '@tp/core/expression'
import { codeOf, createNode, type Graph, type NodeProto, readAttributes } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { hasTrait } from '../operators/traits.ts'
import { isMultiHead, multiHead } from './attention-nodes.ts'
import { named, product } from './product-nodes.ts'
import type { QuantizedGraph } from './quantized-graph.ts'
import type { QuantizedValue } from './quantized-value.ts'

/** A product whose activations are rounded by the range of all of a tensor. */
export interface RangedProduct {
  /** The node of integers, or the fused one. */
  readonly node: NodeProto
  /** The activations before rounding, and the nodes that choose or move some of them afterwards, in their order. */
  readonly input: string
  readonly moves: readonly NodeProto[]
  /** The other factor where rows are rounded by token; undefined for products that compute in float32. */
  readonly weight: QuantizedValue | undefined
  /** The other factor in floats, or how to make it: of 8-bit numbers, a zero point and a scale, or none of them for floats. */
  readonly factor: QuantizedValue
  /** Nodes that make the output of the scaled product: a sum with a bias, heads of attention; undefined: it is the output. */
  readonly rest: ((sum: string, to: QuantizedGraph) => NodeProto[]) | undefined
  readonly output: string
  /** Nodes that are replaced; others become unused with them. */
  readonly nodes: readonly NodeProto[]
}

/** The product that a node computes, if it is one in a form that quantizers write; nodes of other forms are left alone. */
export function rangedProductOf(node: NodeProto, { graph }: QuantizedGraph): RangedProduct | undefined {
  return forms.get(operatorName(node))?.(node, graph)
}

type Form = (node: NodeProto, graph: Graph) => RangedProduct | undefined

/** MatMulInteger or ConvInteger, Cast, and Mul by the product of both scales. */
const integers: Form = (node, graph) => {
  const [a = '', b = '', , zero = ''] = node.input
  const rounding = rangedWith(a, graph)
  const cast = onlyReader(node, 'Cast', graph)
  const scaled = cast && onlyReader(cast, 'Mul', graph)
  if (rounding === undefined || cast === undefined || scaled === undefined) return undefined
  const scales = graph.producer(other(scaled, cast.output[0] as string))
  const { moves } = rounding
  const [, scaleOfA = ''] = rounding.node.output
  if (scales?.opType !== 'Mul' || !scales.input.includes(scaleOfA)) return undefined
  const scale = other(scales, scaleOfA)
  const own = {
    node,
    input: rounding.node.input[0] as string,
    moves,
    rest: undefined,
    output: scaled.output[0] as string,
  }
  const nodes = [node, cast, scaled]
  const second = rangedWith(b, graph)
  if (second !== undefined) {
    const [factor = ''] = second.node.input
    return scale === second.node.output[1] && second.moves.length === 0
      ? { ...own, nodes, weight: undefined, factor: { data: factor, scale: '', zero: '' } }
      : undefined
  }
  const factor = { data: b, scale, zero }
  if (node.opType === 'MatMulInteger') return { ...own, nodes, weight: factor, factor }
  // A zero point for each output channel would be read as one for each column.
  return isScalar(zero, graph) ? { ...own, nodes, weight: undefined, factor } : undefined
}

/** com.microsoft.MatMulIntegerToFloat: both factors, their scales, their zero points, bias. */
const integersToFloat: Form = (node, graph) => {
  const [a = '', data = '', scaleOfA = '', scale = '', , zero = '', bias = ''] = node.input
  const rounding = rangedWith(a, graph)
  if (rounding?.node.output[1] !== scaleOfA || rangedWith(data, graph) !== undefined) return undefined
  return fused(node, rounding, { data, scale, zero }, withBias(node, bias))
}

/** com.microsoft.DynamicQuantizeMatMul: floats, weights, their scale, their zero point, bias. */
const fromFloats: Form = (node) => {
  const [input = '', data = '', scale = '', zero = '', bias = ''] = node.input
  return fused(node, { input, moves: [] }, { data, scale, zero }, withBias(node, bias))
}

/** com.microsoft.QAttention: both factors and the bias, their scales, mask, their zero points, earlier keys. */
const attention: Form = (node, graph) => {
  const [a = '', data = '', bias = '', scaleOfA = '', scale = '', mask = '', , zero = '', past = ''] = node.input
  const rounding = rangedWith(a, graph)
  const whole = asAttention(node, bias, mask)
  const isPlain = past === '' && (node.output[1] ?? '') === '' && isMultiHead(whole, graph)
  if (rounding?.node.output[1] !== scaleOfA || !isPlain) return undefined
  return fused(node, rounding, { data, scale, zero }, (sum, to) => multiHead(whole, sum, to))
}

const forms: ReadonlyMap<string, Form> = new Map([
  ['MatMulInteger', integers],
  ['ConvInteger', integers],
  ['com.microsoft.MatMulIntegerToFloat', integersToFloat],
  ['com.microsoft.DynamicQuantizeMatMul', fromFloats],
  ['com.microsoft.QAttention', attention],
])

function fused(
  node: NodeProto,
  { input, moves }: Pick<RangedProduct, 'input' | 'moves'>,
  factor: QuantizedValue,
  rest: RangedProduct['rest'],
): RangedProduct {
  return { node, input, moves, weight: factor, factor, rest, output: node.output[0] as string, nodes: [node] }
}

function withBias({ output }: NodeProto, bias: string): RangedProduct['rest'] {
  if (bias === '') return undefined
  return (sum) => [createNode({ type: 'Add', inputs: [sum, bias], outputs: output })]
}

/** QAttention with its inputs where com.microsoft.Attention has them. */
function asAttention(node: NodeProto, bias: string, mask: string): NodeProto {
  const { name, output } = node
  const own = createNode({
    type: 'Attention',
    domain: 'com.microsoft',
    name,
    inputs: ['', '', bias, mask],
    outputs: output,
  })
  own.attribute = node.attribute
  return own
}

/** Puts a product of rows, each with a scale of its own, in place of one. */
export function writeByToken(ranged: RangedProduct, to: QuantizedGraph): void {
  const value = to.value(movedInput(ranged, to), ranged.node)
  const name = ranged.node.name.replace(/_quant$/, '')
  replace(ranged, to, (sum) => product(name, value, ranged.factor, sum, to))
}

/** Puts a product of floats in place of one, with the other factor made of its 8-bit numbers. */
export function writeInFloats(ranged: RangedProduct, to: QuantizedGraph): void {
  const { node, factor, output } = ranged
  const input = movedInput(ranged, to)
  const isConvolution = node.opType === 'ConvInteger'
  const type = isConvolution ? 'Conv' : 'MatMul'
  const attributes: Attributes = isConvolution ? (readAttributes(node) ?? {}) : {}
  replace(ranged, to, (sum) => {
    if (factor.scale === '') return [createNode({ type, inputs: [input, factor.data], outputs: [sum], attributes })]
    const { nodes, weights } = centeredWeights(factor, output, to)
    const product = to.uniqueName(`${output}_floats`)
    return [
      ...nodes,
      createNode({ type, inputs: [input, weights], outputs: [product], attributes }),
      createNode({ type: 'Mul', inputs: [product, factor.scale], outputs: [sum] }),
    ]
  })
}

/** Weights of 8 bits less their zero point, in floats. @param of what they are for, for names */
export function centeredWeights(
  { data, zero }: Pick<QuantizedValue, 'data' | 'zero'>,
  of: string,
  to: QuantizedGraph,
): { readonly nodes: readonly NodeProto[]; readonly weights: string } {
  const nodes: NodeProto[] = []
  const add = (type: string, part: string, inputs: string[], attributes: Attributes = {}): string => {
    const name = to.uniqueName(`${of}_${part}`)
    nodes.push(createNode({ type, inputs, outputs: [name], attributes }))
    return name
  }
  const toFloat = { to: codeOf('float32') }
  const numbers = add('Cast', 'weights', [data], toFloat)
  if (zero === '') return { nodes, weights: numbers }
  return { nodes, weights: add('Sub', 'centered', [numbers, add('Cast', 'zeros', [zero], toFloat)]) }
}

/** Puts nodes in place of a product, where the last of its own is: all that they read is known there. */
function replace(
  { nodes, output, rest }: RangedProduct,
  to: QuantizedGraph,
  written: (sum: string) => NodeProto[],
): void {
  const { graph } = to
  const next = graph.nodes[graph.nodes.indexOf(nodes.at(-1) as NodeProto) + 1]
  for (const node of nodes) graph.remove(node)
  const sum = rest === undefined ? output : to.uniqueName(`${output}_product`)
  graph.insert([...written(sum), ...(rest?.(sum, to) ?? [])], next)
}

/** Adds what chooses or moves the activations, before they are rounded: a row has the same numbers then. */
function movedInput({ node, input, moves }: RangedProduct, to: QuantizedGraph): string {
  return moves.reduce((from, move) => {
    const name = to.uniqueName(`${from}_moved`)
    const inputs = [from, ...move.input.slice(1)]
    const own = createNode({ type: move.opType, name: named(move, 'moved', to), inputs, outputs: [name] })
    own.attribute = move.attribute
    to.graph.insert([own], node)
    return name
  }, input)
}

/** The rounding by range of a value, which pruning may choose rows of afterwards. */
function rangedWith(
  name: string,
  graph: Graph,
): (Pick<RangedProduct, 'input' | 'moves'> & { readonly node: NodeProto }) | undefined {
  const node = graph.producer(name)
  if (node === undefined || node.output[0] !== name) return undefined
  const [input = ''] = node.input
  if (node.opType === 'DynamicQuantizeLinear') return { node, input, moves: [] }
  if (!hasTrait(node, 'parts', 'moved values')) return undefined
  const found = rangedWith(input, graph)
  return found && { ...found, moves: [...found.moves, node] }
}

/** The node of a type that alone reads a result. */
export function onlyReader({ output: [name = ''] }: NodeProto, type: string, graph: Graph): NodeProto | undefined {
  const [use, ...more] = graph.consumers(name)
  return use?.node.opType === type && more.length === 0 && !graph.isOutput(name) ? use.node : undefined
}

/** The other input of a node with two. */
function other({ input }: NodeProto, name: string): string {
  return input.find((each) => each !== name) ?? ''
}

function isScalar(name: string, graph: Graph): boolean {
  return name === '' || graph.initializer(name)?.dims.every((size) => Number(size) === 1) === true
}

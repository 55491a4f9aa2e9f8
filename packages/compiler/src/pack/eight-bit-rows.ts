import { variantName } from '@tp/core/packed'
import { dtypeOf, type Graph, type NodeProto, readAttributes, readTensor, type TensorProto } from '@tp/onnx'
import { argumentOfGelu } from '../analyze/gelu.ts'
import { operatorName } from '../operators/operator.ts'
import { packedNode } from './operators.ts'

/** The sizes of a value as a text, equal for values of equal sizes; undefined where they are not known. */
export type SizesOf = (name: string) => string | undefined

/**
 * Computes what is around products of 8-bit numbers by one operator on either side: the rounding of a row, five operators or six in standard ones
 * (`RowRounding` writes them), and its scale, bias, GELU, gain and residual. Each of those is a pass over all numbers, which takes as long as a
 * third of the products. Answers are the same up to rounding. In place; returns how many values are rounded by one operator.
 */
export function fuseEightBitRows(graph: Graph, sizesOf: SizesOf): number {
  const scales = new Map<string, string>()
  for (const node of [...graph.nodes]) {
    const rounding = roundingOf(graph, node)
    if (rounding === undefined) continue
    const { x, scale, span } = rounding
    const [rounded] = node.output as [string]
    graph.remove(graph.producer(scale) as NodeProto)
    graph.remove(node)
    graph.insert([
      packedNode(variantName('RoundRows', span.least > 0 ? ['least'] : []), { x }, { rounded, scale }, span),
    ])
    scales.set(scale, rounded)
  }
  const gelus = new Map(graph.nodes.flatMap((node) => [[argumentOfGelu(graph, node), node] as const]))
  for (const node of [...graph.nodes]) {
    const product = graph.producer(node.output[0] as string) === node && productOf(graph, node, scales)
    if (product) fuseScaling({ graph, sizesOf, gelus }, node, product)
  }
  graph.removeDeadNodes()
  graph.sortTopologically()
  return scales.size
}

/** Whether activations of a file are rounded row by row. */
export function roundsRows(graph: Graph): boolean {
  return graph.nodes.some((node) => roundingOf(graph, node) !== undefined)
}

interface Rounding {
  readonly x: string
  readonly scale: string
  readonly span: { readonly steps: number; readonly zero: number; readonly least: number }
}

/** Mul by Reciprocal of Max of ReduceMax of Abs, and QuantizeLinear. */
function roundingOf(graph: Graph, node: NodeProto): Rounding | undefined {
  if (operatorName(node) !== 'QuantizeLinear') return undefined
  const [scaled = '', step = '', zero = ''] = node.input
  const [steps, zeroPoint] = [1 / numberOf(graph, step, 'float32'), numberOf(graph, zero, 'uint8')]
  const [x = '', perScale = ''] = made(graph, scaled, 'Mul')?.input ?? []
  const scale = made(graph, perScale, 'Reciprocal')?.input[0]
  if (scale === undefined || !(Math.abs(steps - Math.round(steps)) < 1e-3) || Number.isNaN(zeroPoint)) return undefined
  const limited = made(graph, scale, 'Max')
  const least = limited === undefined ? 0 : numberOf(graph, limited.input[1] ?? '', 'float32')
  const largest = made(graph, limited?.input[0] ?? scale, 'ReduceMax')
  if (largest === undefined || !Number.isInteger(least) || !isOfRows(graph, largest)) return undefined
  const [of = ''] = largest.input
  // Without Abs nothing lies so far below zero that it would be the largest.
  const isOfX = of === x || made(graph, of, 'Abs')?.input[0] === x
  return isOfX ? { x, scale, span: { steps: Math.round(steps), zero: zeroPoint, least } } : undefined
}

/** Whether it reduces the last axis, and keeps it. */
function isOfRows(graph: Graph, node: NodeProto): boolean {
  const { axes, keepdims = 1 } = readAttributes(node) ?? {}
  const reduced = node.input[1] === undefined ? axes : integersOf(graph.initializer(node.input[1]))
  return keepdims !== 0 && `${reduced}` === '-1'
}

interface Product {
  readonly value: string
  readonly scale: string
  readonly columns: number
}

/** The product of a rounded value and constant weights, if the node multiplies it by the scale of each row. */
function productOf(graph: Graph, node: NodeProto, scales: ReadonlyMap<string, string>): Product | undefined {
  if (operatorName(node) !== 'Mul') return undefined
  const [value = '', scale = ''] = node.input
  const [cast = '', scaleOfWeights = ''] = made(graph, value, 'Mul')?.input ?? []
  const integers = made(graph, made(graph, cast, 'Cast')?.input[0] ?? '', 'MatMulInteger')
  const [rounded, weights = ''] = integers?.input ?? []
  const [, columns, ...others] = graph.initializer(weights)?.dims.map(Number) ?? []
  if (rounded === undefined || scales.get(scale) !== rounded || columns === undefined || others.length > 0)
    return undefined
  // One for all, and one for each column.
  const parts = made(graph, scaleOfWeights, 'Mul')?.input ?? []
  const areSmall = parts.every((part) => made(graph, part, 'Clip') !== undefined || isPerColumn(graph, part, columns))
  return parts.length > 0 && areSmall ? { value, scale, columns } : undefined
}

interface Around {
  readonly graph: Graph
  readonly sizesOf: SizesOf
  /** Nodes that compute a GELU, by what of. */
  readonly gelus: ReadonlyMap<string | undefined, NodeProto>
}

function fuseScaling({ graph, sizesOf, gelus }: Around, node: NodeProto, { value, scale, columns }: Product): void {
  let last = node
  const terms: Record<string, string> = {}
  const take = (term: string, type: string, isTerm: (name: string) => boolean): void => {
    const reader = onlyReader(graph, last, type)
    const [own] = last.output as [string]
    const other = reader?.input.find((name) => name !== own)
    if (reader === undefined || other === undefined || !isTerm(other)) return
    terms[term] = other
    last = reader
  }
  const isConstant = (name: string): boolean => isPerColumn(graph, name, columns)
  take('bias', 'Add', isConstant)
  const gelu = gelus.get(last.output[0])
  const isGelu = gelu !== undefined && isAllThatReads(graph, last.output[0] as string, gelu)
  if (isGelu) last = gelu
  take('gain', 'Mul', isConstant)
  const sizes = sizesOf(last.output[0] as string)
  take(
    'residual',
    'Add',
    (name) => graph.initializer(name) === undefined && sizes !== undefined && sizesOf(name) === sizes,
  )
  const [output] = last.output as [string]
  graph.remove(last)
  const features = ['bias', 'gelu', 'gain', 'residual'].filter((name) => (name === 'gelu' ? isGelu : name in terms))
  graph.insert([packedNode(variantName('ScaleRows', features), { x: value, scale, ...terms }, { y: output })])
}

/** Whether nothing but the nodes between a value and a node that is computed from it reads the value, or what is in between. */
function isAllThatReads(graph: Graph, from: string, to: NodeProto): boolean {
  const inside = new Set([to])
  const open = [...to.input]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = name === from ? undefined : graph.producer(name)
    if (node === undefined || inside.has(node)) continue
    inside.add(node)
    open.push(...node.input)
  }
  const values = [
    from,
    ...[...inside].filter((node) => node !== to && node.opType !== 'Constant').flatMap(({ output }) => output),
  ]
  return values.every((name) => !graph.isOutput(name) && graph.consumers(name).every(({ node }) => inside.has(node)))
}

function onlyReader(graph: Graph, { output }: NodeProto, type: string): NodeProto | undefined {
  const [name] = output as [string]
  const [first, ...others] = graph.consumers(name)
  return others.length === 0 && !graph.isOutput(name) && first && operatorName(first.node) === type
    ? first.node
    : undefined
}

/** The node that makes a value, if it is of this type. */
function made(graph: Graph, name: string, type: string): NodeProto | undefined {
  const node = graph.producer(name)
  return node !== undefined && operatorName(node) === type ? node : undefined
}

/** A weight [columns], or [1, columns]; or one number, where there is one column. */
function isPerColumn(graph: Graph, name: string, columns: number): boolean {
  const tensor = graph.initializer(name)
  if (tensor === undefined || dtypeOf(tensor.dataType) !== 'float32') return false
  const [last, ...others] = tensor.dims.map(Number).toReversed()
  return last === columns && others.length < 2 && others.every((size) => size === 1)
}

/** A weight that is one number; NaN for others. */
function numberOf(graph: Graph, name: string, type: string): number {
  const tensor = graph.initializer(name)
  if (tensor === undefined || tensor.dims.length > 0 || dtypeOf(tensor.dataType) !== type) return Number.NaN
  return Number(readTensor(tensor, graph.model.external).data[0])
}

function integersOf(tensor: TensorProto | undefined): number[] | undefined {
  return tensor && Array.from(readTensor(tensor).data as BigInt64Array, Number)
}

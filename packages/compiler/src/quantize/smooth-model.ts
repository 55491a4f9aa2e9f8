import { TpError } from '@tp/core'
import { cloneModel, createNode, dtypeOf, Graph, type Model, type NodeProto, readTensor } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import type { Activations } from '../plan/quantize-options.ts'
import { requireModel } from '../program/require-model.ts'
import { leastOf } from './bounded-below.ts'
import { isOfPruning, shownName } from './node-names.ts'
import { type ChannelRanges, type ReadingWeights, smoothScales, smoothScalesByToken } from './smooth-scales.ts'

/** A value that products with constant weights read. */
export interface SmoothSite {
  /** Name of the value, [..., channels]. */
  readonly value: string
  readonly channels: number
  /** The products, as the report of `quantize` names them. */
  readonly nodes: readonly string[]
}

export interface SmoothedSite extends SmoothSite {
  /** How many of its channels are divided. */
  readonly loud: number
  /** Variance of the rounding in the products, relative to that of the products: as they are in 8 bits, and smoothed. */
  readonly before: number
  readonly after: number
}

export interface Smoothed {
  readonly model: Model
  readonly sites: readonly SmoothedSite[]
}

/**
 * A site is smoothed where rounding is at least so much of its products (variance), and becomes at least so many times less: each costs a
 * pass over its value.
 */
const WORTH = { noise: 1e-3, gain: 5 } as const

/** The values whose channels `smooth` has to know: those multiplied with matrices that no other product shares. */
export function smoothSites(model: Model): SmoothSite[] {
  requireModel(model)
  const graph = new Graph(model)
  return [...sitesOf(graph)].map(([value, products]) => ({
    ...{ value, channels: channelsOf(graph, products) },
    nodes: products.map(shownName),
  }))
}

/** @throws TpError TP_OPTION for ranges of another number of channels */
export function smoothModel(
  model: Model,
  ranges: ReadonlyMap<string, ChannelRanges>,
  activations: Activations,
): Smoothed {
  const result = cloneModel(model)
  const graph = new Graph(result)
  const sites: SmoothedSite[] = []
  for (const [value, products] of sitesOf(graph)) {
    const range = ranges.get(value)
    if (range === undefined) continue
    const channels = channelsOf(graph, products)
    if (range.low.length !== channels) {
      const seen = `${value} has ${channels} channels, and its ranges ${range.low.length}`
      throw new TpError('TP_OPTION', 'compiler', `smooth: ${seen}`)
    }
    const weights = products.map((node) => weightsOf(graph, node, result))
    const byToken = activations === 'token'
    // A value after a GELU is bounded below, and rounded in a form of its own.
    if (byToken && leastOf(graph, value) !== undefined) continue
    const { scales, before, after } = (byToken ? smoothScalesByToken : smoothScales)(range, weights)
    if (before < WORTH.noise || before < (byToken ? 1 : WORTH.gain) * after) continue
    const loud = scales.filter((scale) => scale > 1).length
    sites.push({ value, channels, nodes: products.map(shownName), loud, before, after })
    divide(graph, value, scales, products)
    for (const [i, node] of products.entries()) multiply(graph, node, scales, weights[i] as ReadingWeights)
  }
  graph.removeDeadNodes()
  return { model: result, sites }
}

/** Products by what they read. */
function sitesOf(graph: Graph): Map<string, NodeProto[]> {
  const sites = new Map<string, NodeProto[]>()
  for (const node of graph.nodes) {
    const [value = '', matrix = ''] = node.input
    const weights = graph.initializer(matrix)
    if (operatorName(node) !== 'MatMul' || weights?.dims.length !== 2 || isOfPruning(node)) continue
    if (dtypeOf(weights.dataType) !== 'float32' || graph.consumers(matrix).length > 1) continue
    sites.set(value, [...(sites.get(value) ?? []), node])
  }
  return sites
}

function channelsOf(graph: Graph, [node]: readonly NodeProto[]): number {
  return Number(graph.initializer(node?.input[1] as string)?.dims[0])
}

function weightsOf(graph: Graph, { input }: NodeProto, { external }: Model): ReadingWeights {
  const proto = graph.initializer(input[1] as string)
  const { data, dims } = readTensor(proto as NonNullable<typeof proto>, external)
  return { data: data as Float32Array, columns: dims[1] as number }
}

function divide(graph: Graph, value: string, scales: Float32Array, products: readonly NodeProto[]): void {
  const [factors, quiet] = ['scales', 'smooth'].map((part) => graph.uniqueName(`${value}_${part}`)) as [string, string]
  graph.addInitializer(factors, { type: 'float32', dims: [scales.length], data: scales.map((scale) => 1 / scale) })
  const node = createNode({
    type: 'Mul',
    name: graph.uniqueName(`${value}_Smooth`),
    inputs: [value, factors],
    outputs: [quiet],
  })
  graph.insert([node], products[0])
  for (const product of products) graph.replaceInput(product, 0, quiet)
}

function multiply(graph: Graph, node: NodeProto, scales: Float32Array, { data, columns }: ReadingWeights): void {
  const name = graph.uniqueName(`${node.input[1]}_smooth`)
  const scaled = data.map((weight, at) => weight * (scales[Math.floor(at / columns)] as number))
  graph.addInitializer(name, { type: 'float32', dims: [scales.length, columns], data: scaled })
  graph.replaceInput(node, 1, name)
}

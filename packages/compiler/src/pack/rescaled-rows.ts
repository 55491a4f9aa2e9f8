import { variantName } from '@tp/core/packed'
import { type Graph, type NodeProto, readAttributes } from '@tp/onnx'
import { layerNormOf } from '../analyze/layer-norm.ts'
import { packedNode, packedOperatorOf, rolesOf } from './operators.ts'

/**
 * Computes what is between two products of 8-bit numbers by one operator: a scaling, a norm, and the rounding of what they make. Between
 * them rows would be written to memory and read again, which takes a third of the time. In place.
 */
export function fuseRescaling(graph: Graph): void {
  for (const node of [...graph.nodes]) if (packedOperatorOf(node)?.name.startsWith('RoundRows')) fuse(graph, node)
  graph.removeDeadNodes()
  graph.sortTopologically()
}

function fuse(graph: Graph, rounding: NodeProto): void {
  const [rounded = ''] = rounding.input
  const norm = layerNormOf(graph, rounded)
  const from = norm?.x ?? rounded
  const scaling = scalingOf(graph.producer(from))
  if (norm === undefined && scaling === undefined) return
  const inside = new Set([rounding, ...(norm?.nodes ?? [])])
  const isRead = (name: string): boolean =>
    graph.isOutput(name) || graph.consumers(name).some(({ node }) => !inside.has(node))
  const scaled = scaling !== undefined && isRead(from) ? from : undefined
  const normed = norm !== undefined && isRead(rounded) ? rounded : undefined
  const [quantized = '', roundedScale = ''] = rounding.output
  const features = [
    ...(scaling === undefined ? [] : ['scale', ...scaling.features]),
    ...(norm === undefined ? [] : ['norm']),
    ...(scaled === undefined ? [] : ['scaled']),
    ...(normed === undefined ? [] : ['normed']),
    ...(rounding.opType === 'RoundRows' ? [] : ['least']),
  ]
  for (const node of [rounding, scaling?.node, normed && graph.producer(normed)])
    if (typeof node === 'object') graph.remove(node)
  graph.insert([
    packedNode(
      variantName('RescaleRows', features),
      { ...(scaling?.inputs ?? { x: from }), ...(norm && { normGain: norm.gain, normBias: norm.bias }) },
      { rounded: quantized, roundedScale, ...(scaled && { scaled }), ...(normed && { normed }) },
      { ...readAttributes(rounding), ...(norm && { epsilon: norm.epsilon }) },
    ),
  ])
}

interface Scaling {
  readonly node: NodeProto
  readonly inputs: Readonly<Record<string, string>>
  readonly features: readonly string[]
}

function scalingOf(node: NodeProto | undefined): Scaling | undefined {
  const operator = node && packedOperatorOf(node)
  const [family, ...features] = operator?.name.split('_') ?? []
  if (node === undefined || operator === undefined || family !== 'ScaleRows') return undefined
  return { node, inputs: rolesOf(node), features }
}

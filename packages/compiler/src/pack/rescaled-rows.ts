import { type Graph, type NodeProto, readAttributes } from '@tp/onnx'
import { type LayerNorm, layerNormOf } from '../analyze/layer-norm.ts'
import { DOMAIN, packedNode } from './operators.ts'

/**
 * Computes what is between two products of 8-bit numbers by one operator: a scaling, a norm, and the rounding of what they make. Between
 * them rows would be written to memory and read again, which takes a third of the time. In place.
 */
export function fuseRescaling(graph: Graph): void {
  for (const node of [...graph.nodes]) {
    if (node.domain === DOMAIN && node.opType === 'RoundRows') fuse(graph, node)
  }
  graph.removeDeadNodes()
  graph.sortTopologically()
}

function fuse(graph: Graph, rounding: NodeProto): void {
  const [rounded = ''] = rounding.input
  const norm = layerNormOf(graph, rounded)
  const from = norm?.x ?? rounded
  const maker = graph.producer(from)
  const scaling = maker?.domain === DOMAIN && maker.opType === 'ScaleRows' ? maker : undefined
  if (norm === undefined && scaling === undefined) return
  const inside = new Set([rounding, ...(norm?.nodes ?? [])])
  const isRead = (name: string): boolean =>
    graph.isOutput(name) || graph.consumers(name).some(({ node }) => !inside.has(node))
  const scaled = scaling !== undefined && isRead(from) ? from : ''
  const normed = norm !== undefined && isRead(rounded) ? rounded : ''
  const outputs = [...(rounding.output as string[]), scaled, normed]
  while (outputs.at(-1) === '') outputs.pop()
  const attributes = {
    gelu: 0,
    ...(scaling && readAttributes(scaling)),
    ...readAttributes(rounding),
    epsilon: norm?.epsilon ?? 0,
  }
  const inputs = inputsOf(scaling, norm, from)
  for (const node of [rounding, scaling, normed === '' ? undefined : graph.producer(rounded)])
    if (node !== undefined) graph.remove(node)
  graph.insert([packedNode('RescaleRows', inputs, outputs, attributes)])
}

/** x, scale, bias, gain, residual, and the weights of the norm. */
function inputsOf(scaling: NodeProto | undefined, norm: LayerNorm | undefined, from: string): string[] {
  const terms = scaling?.input ?? [from]
  const inputs = Array.from({ length: 5 }, (_, i) => terms[i] ?? '')
  if (norm !== undefined) inputs.push(norm.gain, norm.bias)
  while (inputs.at(-1) === '') inputs.pop()
  return inputs
}

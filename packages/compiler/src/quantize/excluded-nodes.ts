import { TpError } from '@tp/core'
import type { Graph, Model, NodeProto } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { nodesOf, shownName } from './node-names.ts'

/**
 * Names without those of nodes that `origin` has and pruning took out of the graph: with dead tokens, or a fused attention that is written out. In
 * either case nothing of them is quantized, since the products written out read slices of its weights.
 * @param couldBe whether a node is of a kind that is quantized
 */
export function excludedNow(
  graph: Graph,
  origin: Model,
  names: Iterable<string>,
  couldBe: (node: NodeProto) => boolean,
): Set<string> {
  const now = new Set(graph.nodes.map(shownName))
  const before = new Set(origin.proto.graph?.node.filter(couldBe).map(shownName))
  return new Set([...names].filter((name) => now.has(name) || !before.has(name)))
}

/** A name in `exclude` that leaves nothing out is a slip of the pen. */
export function neverQuantized({ proto }: Model, name: string): TpError {
  const node = nodesOf(proto.graph).find((each) => each.name === name)
  const seen =
    node === undefined
      ? `the model has no node "${name}"`
      : `the node "${name}" (${operatorName(node)}) remains in float32 in any case`
  const advice = 'name nodes as `nodes` of the result does (tp quantize --json prints them), or leave it out'
  return new TpError('TP_OPTION', 'compiler', `quantize: exclude: ${seen}; ${advice}`)
}

import type { GraphProto, NodeProto } from '@tp/onnx'

/** A node's name, or that of its result where it has none. */
export function shownName({ name, output }: NodeProto): string {
  return name === '' ? (output[0] as string) : name
}

/** The nodes that pruning adds. Its networks are small, and which tokens are kept must not hang on their rounding. */
export function isOfPruning(node: NodeProto): boolean {
  return shownName(node).startsWith('tp/')
}

/** Nodes of a graph and of the bodies in it, at any depth. */
export function nodesOf(graph: GraphProto | undefined): NodeProto[] {
  return (graph?.node ?? []).flatMap((node) => [node, ...node.attribute.flatMap(({ g }) => nodesOf(g))])
}

import type { Node, Tensor } from './tensor.ts'

/** The nodes that the tensors are computed by, each after those it reads from; stops at tensors that `isLeaf` names. */
export function nodesBelow(outputs: readonly Tensor[], isLeaf: (tensor: Tensor) => boolean = () => false): Node[] {
  const sorted: Node[] = []
  const seen = new Map<Node, 'open' | 'done'>()
  const stack = outputs.filter((tensor) => !isLeaf(tensor)).map((tensor) => tensor.node)
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const state = seen.get(node)
    if (state !== undefined) {
      stack.pop()
      if (state === 'open') sorted.push(node)
      seen.set(node, 'done')
      continue
    }
    seen.set(node, 'open')
    for (const tensor of node.inputs) {
      if (tensor !== undefined && !isLeaf(tensor) && !seen.has(tensor.node)) stack.push(tensor.node)
    }
  }
  return sorted
}

import { apply, type Node, type Tensor } from '@tp/core'

/**
 * The same expressions on other inputs: each tensor of `replacements` is replaced, and what depends on it is built
 * anew, so that types, shapes and the contents of shape arithmetic are those of the new inputs. The rest is shared.
 * @throws TpError TP_SHAPE if the new inputs do not fit
 */
export function substitute(outputs: readonly Tensor[], replacements: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const rebuilt = new Map<Node, readonly Tensor[] | undefined>()
  const current = (tensor: Tensor): Tensor =>
    replacements.get(tensor) ?? rebuilt.get(tensor.node)?.[tensor.output] ?? tensor
  for (const node of nodesBelow(outputs, (tensor) => replacements.has(tensor))) {
    const inputs = node.inputs.map((tensor) => (tensor === undefined ? undefined : current(tensor)))
    const changed = inputs.some((tensor, i) => tensor !== node.inputs[i])
    rebuilt.set(node, changed ? apply(node.op, inputs, node.attributes) : undefined)
  }
  return outputs.map(current)
}

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

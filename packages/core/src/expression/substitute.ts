import { apply } from './apply.ts'
import { nodesBelow } from './nodes-below.ts'
import type { Node, Tensor } from './tensor.ts'

/**
 * The same expressions on other inputs: each tensor of `replacements` is replaced, and what depends on it is
 * rebuilt, so that types, shapes and the contents of shape arithmetic are those of the new inputs. The rest is shared.
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

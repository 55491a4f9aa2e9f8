import { add, isTpError, Tensor, TpError } from '@tp/core'
import { isLoop, type Node, nodesBelow, type OutputInfo } from '@tp/core/expression'
import { NoGradient, type Step, zerosLike } from './rule.ts'
import { rules } from './rules/index.ts'

export interface GradientOptions {
  /** The name of a tensor in its source, for messages. */
  readonly nameOf?: (tensor: Tensor) => string | undefined
}

/**
 * Gradients of a loss as expressions, by reverse accumulation: d loss / d tensor for each of the given tensors, in the
 * tensor's own shape; 0 where the loss does not depend on it. Only what its rule reads of a node is recomputed or kept:
 * the expressions share common parts with the loss.
 *
 * @param loss a float scalar: no axes, or axes of size 1
 * @param of any tensors below the loss: inputs, weights, or values in between
 * @throws TpError TP_GRADIENT for an operator between the two that has no gradient here, by node and reason; TP_SHAPE for
 * a loss that is not a scalar
 */
export function gradients(loss: Tensor, of: readonly Tensor[], { nameOf }: GradientOptions = {}): Tensor[] {
  if (loss.dims.some((dim) => dim !== 1)) {
    throw new TpError('TP_SHAPE', 'autodiff', `the loss is ${loss}; it must be a scalar: take its sum or mean`)
  }
  const leaves = new Set(of)
  const nodes = nodesBelow([loss], (tensor) => leaves.has(tensor))
  const outputs = outputsOf(nodes, loss)
  const { reached, rounded } = nodesThatReach(nodes, leaves)
  const found = new Map<Tensor, Tensor>([[loss, onesLike(loss)]])
  for (const node of nodes.toReversed()) {
    if (!reached.has(node)) continue
    const own = outputs.get(node) ?? []
    if (!own.some((tensor) => tensor !== undefined && found.has(tensor))) continue
    const wants = (index: number): boolean => {
      const tensor = node.inputs[index]
      return tensor !== undefined && isFloat(tensor) && (leaves.has(tensor) || reached.has(tensor.node))
    }
    const results = back(node, own, { found, wants, nameOf, readsRounded: node.inputs.some(isIn(rounded)) })
    node.inputs.forEach((input, index) => {
      const gradient = results[index]
      if (input === undefined || gradient === undefined || !wants(index)) return
      const others = found.get(input)
      found.set(input, others === undefined ? gradient : add(others, gradient))
    })
  }
  return of.map((tensor) => found.get(tensor) ?? zerosLike(tensor))
}

interface BackOptions {
  readonly nameOf: GradientOptions['nameOf']
  readonly found: ReadonlyMap<Tensor, Tensor>
  readonly wants: (index: number) => boolean
  /** Whether an effect comes in by numbers that were rounded: its slope is 0 nearly everywhere, which is not meant. */
  readonly readsRounded: boolean
}

function back(
  node: Node,
  outputs: readonly (Tensor | undefined)[],
  { found, wants, nameOf, readsRounded }: BackOptions,
): readonly (Tensor | undefined)[] {
  const where = (): string => {
    const name = outputs.map((tensor) => tensor && nameOf?.(tensor)).find((name) => name !== undefined)
    return name === undefined ? node.op.name : `${node.op.name} that gives "${name}"`
  }
  if (readsRounded) throw noGradient(where(), 'it reads activations that are rounded to integers (QuantizeLinear)')
  const rule = rules.get(node.op.name)
  if (rule === undefined) throw noGradient(where(), isLoop(node.op) ? LOOP : 'this operator has no gradient here')
  const step: Step = {
    inputs: node.inputs,
    attributes: node.attributes,
    input: (index) => present(node.inputs[index], where, `input ${index}`),
    output: (index) => outputs[index] ?? unread(node, index),
    gradient: (index) => {
      const output = outputs[index]
      return output && found.get(output)
    },
    wants,
  }
  try {
    return rule(step)
  } catch (cause) {
    if (cause instanceof NoGradient) throw noGradient(where(), cause.message)
    // A shape that a file hides (behind control flow, say) stops a rule: say at which of its nodes.
    if (isTpError(cause) && cause.code === 'TP_SHAPE') throw noGradient(where(), cause.message)
    throw cause
  }
}

/** The states of its steps are not available when it ends. */
const LOOP = 'a loop has no gradient here: keep it out of what learns, with stopGradient'

function present(tensor: Tensor | undefined, where: () => string, what: string): Tensor {
  if (tensor === undefined) throw noGradient(where(), `it has no ${what}`)
  return tensor
}

/** An output that nothing reads yet. */
function unread(node: Node, index: number): Tensor {
  return new Tensor(node, index, node.op.infer(node.inputs, node.attributes)[index] as OutputInfo)
}

/** The tensors of each node that are used, by output. */
function outputsOf(nodes: readonly Node[], loss: Tensor): Map<Node, Tensor[]> {
  const outputs = new Map<Node, Tensor[]>()
  const add = (tensor: Tensor | undefined): void => {
    if (tensor === undefined) return
    const own = outputs.get(tensor.node) ?? []
    own[tensor.output] = tensor
    outputs.set(tensor.node, own)
  }
  for (const node of nodes) node.inputs.forEach(add)
  add(loss)
  return outputs
}

/** Nodes through which a leaf has an effect: those that depend on one by floats, `rounded` by integers that floats were rounded to. */
function nodesThatReach(nodes: readonly Node[], leaves: ReadonlySet<Tensor>): Record<'reached' | 'rounded', Set<Node>> {
  const [reached, rounded] = [new Set<Node>(), new Set<Node>()]
  for (const node of nodes) {
    const byFloats = node.inputs.some(
      (tensor) => tensor !== undefined && isFloat(tensor) && (leaves.has(tensor) || reached.has(tensor.node)),
    )
    const byIntegers = node.inputs.some(isIn(rounded))
    if (byFloats || byIntegers) reached.add(node)
    // A node that multiplies or moves such integers gives some again, in its first output.
    if ((byIntegers || (byFloats && ROUNDING.test(node.op.name))) && givesIntegers(node)) rounded.add(node)
  }
  return { reached, rounded }
}

const ROUNDING = /QuantizeLinear$/
const INTEGERS: ReadonlySet<string> = new Set(['uint8', 'int8', 'int32'])

function givesIntegers({ op, inputs, attributes }: Node): boolean {
  return INTEGERS.has(op.infer(inputs, attributes)[0]?.dtype ?? '')
}

/** Whether a tensor is made of integers by one of the nodes. */
function isIn(nodes: ReadonlySet<Node>): (tensor: Tensor | undefined) => boolean {
  return (tensor) => tensor !== undefined && !isFloat(tensor) && nodes.has(tensor.node)
}

function isFloat({ dtype }: Tensor): boolean {
  return dtype.startsWith('float')
}

function onesLike(loss: Tensor): Tensor {
  return add(zerosLike(loss), 1)
}

function noGradient(where: string, reason: string): TpError {
  return new TpError('TP_GRADIENT', 'autodiff', `${where}: ${reason}`)
}

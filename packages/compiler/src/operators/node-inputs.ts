import type { NodeProto } from '@tp/onnx'
import type { Named } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { type Flow, type Inputs, operatorName, type Repair } from './operator.ts'

/**
 * Makes a node fit, as its operator says.
 * @throws Refused TP_UNSUPPORTED_OP for an operator that tokens cannot be followed through
 */
export const repairNode: Repair = (flow, node) => {
  const repair = flow.operators.get(operatorName(node))?.repair
  if (repair === undefined) {
    throw new Refused(
      'TP_UNSUPPORTED_OP',
      `tokens pass through the operator ${node.opType}, and it is not known how tokens can be pruned there`,
      node,
    )
  }
  return repair(flow, node)
}

/** Operators whose shape rule alone is right: each token for itself, or all of them together. */
export const fits: Repair = (flow, node) => inputsOf(flow, node)

/** Types and shapes of a node's inputs as they are now. */
export function inputsOf(flow: Flow, node: NodeProto): Inputs {
  return node.input.map((name) => (name === '' ? undefined : (flow.changed.get(name) ?? flow.program.tensor(name))))
}

export function replace(flow: Flow, node: NodeProto, inputs: Inputs, i: number, by: Named): void {
  flow.rewire(node, i, by.name)
  inputs[i] = by.tensor
}

export function refuseOp(node: NodeProto): never {
  throw new Refused(
    'TP_UNSUPPORTED_OP',
    `the operator ${node.opType} works along the tokens, so none can be pruned upstream of it`,
    node,
  )
}

/** An integer attribute of a node. */
export function integerAttribute(node: NodeProto, name: string, fallback: number): number {
  const found = node.attribute.find((candidate) => candidate.name === name)
  return found === undefined ? fallback : Number(found.i)
}

export function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis
}

import type { Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import type { Named } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { Flow } from './flow.ts'

export type Inputs = (Tensor | undefined)[]
/** Makes a node fit inputs whose token axis has changed; returns the types and shapes of its inputs afterwards. */
export type Repair = (flow: Flow, node: NodeProto) => Inputs

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
    `the operator ${node.opType} works along the tokens, so none may leave before it`,
    node,
  )
}

/** An integer attribute of a node. */
export function attribute(node: NodeProto, name: string, fallback: number): number {
  const found = node.attribute.find((candidate) => candidate.name === name)
  return found === undefined ? fallback : Number(found.i)
}

export function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis
}

import type { Model, NodeProto } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import { nameOf, Refused } from '../program/refusal.ts'
import { nodesOf } from './node-names.ts'

/** The first operator of 8 bits, or of fewer. */
export function findQuantized({ proto }: Model): NodeProto | undefined {
  return nodesOf(proto.graph).find(isQuantized)
}

/** @throws Refused TP_QUANTIZED */
export function refuseQuantized(model: Model): void {
  const found = findQuantized(model)
  if (found === undefined) return
  const advice = 'quantize the float32 file it was made from'
  throw new Refused(
    'TP_QUANTIZED',
    `the model is quantized already: it has the node ${nameOf(found)}; ${advice}`,
    found,
  )
}

function isQuantized(node: NodeProto): boolean {
  return hasTrait(node, 'quantized', 'rounded values', 'rounded by range', 'on rounded values')
}

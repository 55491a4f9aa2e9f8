import type { Model, NodeProto } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import { nameOf, Refused } from '../program/refusal.ts'
import { nodesOf } from './node-names.ts'

/** The first operator of 8 bits, or of fewer. */
function findQuantized({ proto }: Model): NodeProto | undefined {
  return nodesOf(proto.graph).find(isOfQuantizing)
}

/** Whether a model has operators of 8 bits, or of fewer. */
export function isQuantized(model: Model): boolean {
  return findQuantized(model) !== undefined
}

/**
 * @param byBatch whether it rounds activations by the range of a batch
 * @throws Refused TP_QUANTIZED
 */
export function refuseQuantized(model: Model, byBatch: boolean): void {
  const found = findQuantized(model)
  if (found === undefined) return
  const seen = `it has the node ${nameOf(found)}${byBatch ? '' : ', and no answer depends on its batch'}`
  const advice = 'for other weights quantize the float32 file it was made from'
  throw new Refused('TP_QUANTIZED', `the model is quantized already: ${seen}; ${advice}`, found)
}

function isOfQuantizing(node: NodeProto): boolean {
  return hasTrait(node, 'quantized', 'rounded values', 'rounded by range', 'on rounded values')
}

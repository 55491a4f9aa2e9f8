import { TpError } from '@tp/core'
import type { Model } from '@tp/onnx'

/** @throws TpError TP_NOT_ONNX for what `decodeModel` has not made */
export function requireModel(value: unknown): asserts value is Model {
  const { proto, packing } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Model>
  if (typeof proto?.graph === 'object' && packing instanceof Set) return
  throw new TpError('TP_NOT_ONNX', 'compiler', 'this is not a model with a graph; pass the result of decodeModel')
}

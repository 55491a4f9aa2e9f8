import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { productsSaturate } from '../src/index.ts'
import { run } from './run.ts'

/** Whether sums of products of 8 bits saturate here, so that weights need 7. */
export const reduceRange: boolean = await productsSaturate(run)

/** Of tensors. */
const [UINT8, INT8] = [2, 3]

/** The same numbers without a sign, where sums of products with one saturate: w and its zero point are 128 more. */
export function exactHere(model: Model): Model {
  if (!reduceRange) return model
  const copy = decodeModel(encodeModel(model))
  for (const tensor of copy.proto.graph?.initializer ?? []) {
    if (tensor.dataType !== INT8) continue
    tensor.dataType = UINT8
    if (tensor.int32Data.length > 0) tensor.int32Data = tensor.int32Data.map((value) => value + 128)
    else tensor.rawData = tensor.rawData.map((byte) => byte ^ 0x80)
  }
  return copy
}

import type { QuantizeOptions } from '@tp/compiler'
import type { Model } from '@tp/onnx'
import type { ModelFile } from '../model/model-file.ts'
import { quantizeFile } from '../quantizing/quantize-file.ts'
import { saturatesHere } from '../quantizing/saturates-here.ts'

export const quantizeOption = {
  quantize: {
    type: 'boolean',
    description:
      'store what was trained in 8 bits, as tp quantize does; on x86 without VNNI in 7, which is exact everywhere',
  },
} as const

export interface StoredIn8Bits {
  readonly model: Model
  /** As a plan says it. */
  readonly quantize: QuantizeOptions
}

/**
 * A trained model in 8 bits. Weights have 7 bits where sums of products saturate, so that the accuracy measured here holds on
 * other processors, too.
 * @throws RefusalError
 */
export async function storeIn8Bits(file: ModelFile, model: Model): Promise<StoredIn8Bits> {
  const quantize = (await saturatesHere()) ? { reduceRange: true } : {}
  return { model: quantizeFile({ ...file, model }, quantize).model, quantize }
}

import type { QuantizeOptions } from '@tp/compiler'
import type { Model } from '@tp/onnx'
import type { ModelFile } from '../model/model-file.ts'
import { formHere } from '../quantizing/form-here.ts'
import { quantizeFile } from '../quantizing/quantize-file.ts'

export const storeOption = {
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

/** @throws RefusalError */
export async function storeIn8Bits(file: ModelFile, model: Model): Promise<StoredIn8Bits> {
  const quantize = await formHere()
  return { model: quantizeFile({ ...file, model }, quantize).model, quantize }
}

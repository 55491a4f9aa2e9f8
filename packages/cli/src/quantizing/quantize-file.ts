import { type Quantized, type QuantizeOptions, quantize } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { RefusalError } from '../model/refusal-error.ts'

/** @throws RefusalError */
export function quantizeFile(file: ModelFile, form: QuantizeOptions): Quantized {
  const result = quantize(file.model, form)
  if (!result.ok) throw new RefusalError(file.path, result.refusal)
  return result
}

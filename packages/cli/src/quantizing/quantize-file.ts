import { type QuantizeOptions, quantize, transform } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import type { Quantized } from '@tp/optimize'
import { naming } from '../model/refusal-error.ts'

/** @throws RefusalError */
export function quantizeFile(file: ModelFile, form: QuantizeOptions): Quantized {
  const { model, reports } = naming(file.path, () => transform(file.model, quantize(form)))
  const [{ nodes, remaining }] = reports
  return { model, nodes, remaining }
}

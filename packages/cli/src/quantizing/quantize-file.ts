import { type QuantizeOptions, type QuantizeReport, quantize, transform } from '@tp/compiler'
import type { Model } from '@tp/onnx'
import { naming } from '../model/refusal-error.ts'

/** A model in 8 bits, and what of it is. */
export type Quantized = { readonly model: Model } & Pick<QuantizeReport, 'nodes' | 'remaining'>

import type { ModelFile } from '@tp/data'

/** @throws RefusalError */
export function quantizeFile(file: ModelFile, form: QuantizeOptions): Quantized {
  const { model, reports } = naming(file.path, () => transform(file.model, quantize(form)))
  const [{ nodes, remaining }] = reports
  return { model, nodes, remaining }
}

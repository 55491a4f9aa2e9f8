import { type QuantizeOptions, quantize, transform } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { type Quantized, quantizeFormFor } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'

/** @throws Refused */
export function quantizeFile(file: ModelFile, form: QuantizeOptions): Quantized {
  const { model, reports } = transform(file.model, quantize(form))
  const [{ nodes, remaining, keepsWeights }] = reports
  return { model, nodes, remaining, keepsWeights }
}

/** How `--quantize` stores weights. */
export const formHere = (): Promise<QuantizeOptions> => quantizeFormFor(nodeRuntime())

/** The remark where that has 7 bits. */
export const SEVEN_BITS =
  'weights have 7 bits: on this processor (x86 without VNNI) sums of 8-bit products saturate, and those of 7 bits are exact on any'

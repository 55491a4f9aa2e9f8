import { productsSaturate, type QuantizeOptions, quantize, transform } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { encodeModel } from '@tp/onnx'
import type { Quantized } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'

/** @throws Refused */
export function quantizeFile(file: ModelFile, form: QuantizeOptions): Quantized {
  const { model, reports } = transform(file.model, quantize(form))
  const [{ nodes, remaining, keepsWeights }] = reports
  return { model, nodes, remaining, keepsWeights }
}

/** Whether sums of 8-bit products saturate on this processor. */
export function saturatesHere(runtime: Runtime = nodeRuntime()): Promise<boolean> {
  return productsSaturate(async (model, inputs) => {
    await using session = await runtime.load(encodeModel(model), { threads: 1 })
    return await session.run(inputs)
  })
}

/** How `--quantize` stores weights: in 7 bits where sums of 8-bit products saturate, which is exact on other processors, too. */
export async function formHere(): Promise<QuantizeOptions> {
  return (await saturatesHere()) ? { reduceRange: true } : {}
}

/** The remark where that has 7 bits. */
export const SEVEN_BITS =
  'weights have 7 bits: on this processor (x86 without VNNI) sums of 8-bit products saturate, and those of 7 bits are exact on any'

import { productsSaturate, type QuantizeOptions } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import { encodeModel } from '@tp/onnx'

/** Whether sums of 8-bit products saturate on the processor of a runtime (x86 without VNNI). */
export function saturatesOn(runtime: Runtime): Promise<boolean> {
  return productsSaturate(async (model, inputs) => {
    await using session = await runtime.load(encodeModel(model), { threads: 1 })
    return await session.run(inputs)
  })
}

/**
 * How weights are stored that are to be fast and right on the processor of a runtime: in 7 bits where sums of 8-bit products saturate, which
 * is exact on other processors, too.
 * @example
 * const { model } = transform(dense, quantize(await quantizeFormFor(runtime)))
 */
export async function quantizeFormFor(runtime: Runtime): Promise<QuantizeOptions> {
  return (await saturatesOn(runtime)) ? { reduceRange: true } : {}
}

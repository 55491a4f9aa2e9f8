import { productsSaturate } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** Whether sums of 8-bit products saturate on this processor. */
export function saturatesHere(runtime: Runtime = nodeRuntime()): Promise<boolean> {
  return productsSaturate(async (model, inputs) => {
    await using session = await runtime.load(encodeModel(model), { threads: 1 })
    return await session.run(inputs)
  })
}

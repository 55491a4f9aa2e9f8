import type { Tensor } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { emitModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** Writes an expression as a model and runs it with onnxruntime. */
export async function run(
  outputs: Readonly<Record<string, Tensor>>,
  feeds: Readonly<Record<string, TensorLike>>,
): Promise<Record<string, TensorLike>> {
  await using session = await nodeRuntime().load(emitModel(outputs), { threads: 1 })
  return await session.run(feeds)
}

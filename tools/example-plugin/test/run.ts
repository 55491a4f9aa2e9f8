import type { MethodTestOptions } from '@tp/core/testing'
import { emitModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** Writes an expression as a model and runs it with onnxruntime. */
export const run: NonNullable<MethodTestOptions['run']> = async (outputs, feeds) => {
  await using session = await nodeRuntime().load(emitModel(outputs))
  return await session.run(feeds)
}

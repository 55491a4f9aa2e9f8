import { openSession, plainTensors, type Session } from '@tp/core/runtime'
import * as ort from 'onnxruntime-node'
import type { Optimisation } from './cell.ts'

/**
 * A model on one thread of this process, rewritten by onnxruntime no further than said. What users get from a runtime of
 * the toolkit is onnxruntime's default, `all`.
 */
export async function openOptimised(file: Uint8Array, optimisation: Optimisation): Promise<Session> {
  const session = await ort.InferenceSession.create(file, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: optimisation,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  })
  const tensors = session.inputMetadata.filter((info) => info.isTensor)
  return openSession(`onnxruntime-node, ${optimisation}`, {
    inputs: tensors.map(({ name, type, shape }) => ({ name, type, dims: shape })),
    outputs: [],
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, { type, data, dims }]) => {
        return [name, new ort.Tensor(type as 'float32', data as Float32Array, dims)] as const
      })
      return plainTensors(await session.run(Object.fromEntries(feeds)))
    },
    endProfile: async () => undefined,
    close: () => session.release(),
  })
}

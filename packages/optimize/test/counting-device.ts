import { countFlops } from '@tp/compiler'
import type { Runtime, Session, TensorLike } from '@tp/core/runtime'
import { decodeModel, Graph } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, vi } from 'vitest'

const node = nodeRuntime()

/** Sessions have one thread: a pool for each would wait busily for its next run. */
export const runtime: Runtime = { ...node, load: (model, options) => node.load(model, { threads: 1, ...options }) }

/**
 * A device whose runs compute nothing and take as long as they have multiply-adds, in 8 bits half as long. Time stands still meanwhile, so that
 * no load on the machine changes what is measured.
 */
export function countingDevice(): Runtime {
  let now = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  afterAll(() => void vi.restoreAllMocks())
  return {
    ...node,
    name: 'counting',
    async load(bytes) {
      const model = decodeModel(bytes as Uint8Array)
      const factor = new Graph(model).nodes.some(({ opType }) => opType.endsWith('Integer')) ? 0.5 : 1
      const counted = new Map<string, number>()
      const run = async (feeds: Readonly<Record<string, TensorLike>>) => {
        const [batch = 1, tokens = 1, ...others] = Object.values(feeds)[0]?.dims ?? []
        const key = `${batch} ${tokens}`
        const flops = counted.get(key) ?? countFlops(model, others.length > 0 ? { batch } : { batch, tokens })
        counted.set(key, flops)
        now += (factor * flops) / 1e7
        return {}
      }
      const dispose = async (): Promise<void> => {}
      return { run, dispose, [Symbol.asyncDispose]: dispose } as unknown as Session
    },
  }
}

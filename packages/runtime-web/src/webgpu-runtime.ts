import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { type WebRuntimeOptions, webRuntime } from './web-runtime.ts'
import { findAdapter } from './webgpu-adapter.ts'

/**
 * onnxruntime on the graphics device by WebGPU; what that cannot compute is computed in wasm, on one thread unless more are
 * requested. Loading throws TP_DEVICE where there is no adapter.
 */
export function webgpuRuntime(options: WebRuntimeOptions = {}): Runtime {
  const engine = {
    name: 'webgpu',
    breaksOnFailure: true,
    ortName: 'onnxruntime-web/webgpu',
    importOrt: () => import('onnxruntime-web/webgpu'),
    startBundledWorker: () => new Worker(new URL('./worker/webgpu.js', import.meta.url), { type: 'module' }),
    standardThreads: () => 1,
    async checkDevice(where: string) {
      const adapter = await findAdapter()
      if (!adapter.found) throw new TpError('TP_DEVICE', where, `WebGPU cannot be used: ${adapter.why}; wasm can`)
    },
  } as const
  return webRuntime(engine, options)
}

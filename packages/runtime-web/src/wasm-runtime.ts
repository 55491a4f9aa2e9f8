import type { Runtime } from '@tp/core/runtime'
import { type WebRuntimeOptions, webRuntime } from './web-runtime.ts'

/**
 * onnxruntime's wasm on the processor. Without `worker`, runs and loading block the page while they compute, all models
 * of a page share one instance with one number of threads, and its memory never shrinks.
 */
export function wasmRuntime(options: WebRuntimeOptions = {}): Runtime {
  const engine = {
    name: 'wasm',
    breaksOnFailure: false,
    ortName: '#ort-wasm',
    importOrt: () => import('#ort-wasm'),
    startBundledWorker: () => new Worker(new URL('./worker/wasm.js', import.meta.url), { type: 'module' }),
    // Half of them are often the other halves of the same cores, and more than four gain little on small models.
    standardThreads: (cores: number) => Math.min(4, Math.ceil(cores / 2)),
    checkDevice: async () => {},
  } as const
  return webRuntime(engine, options)
}

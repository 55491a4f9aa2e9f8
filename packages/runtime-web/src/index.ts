import { contractVersion } from '@tp/core'
import type { RuntimePlugin } from '@tp/core/runtime'
import { wasmRuntime } from './wasm-runtime.ts'

export type { WasmPaths } from './ort/start-ort.ts'
export { wasmRuntime } from './wasm-runtime.ts'
export type { WebRuntimeOptions } from './web-runtime.ts'

/** Default export for plugin loaders: wasm, which runs everywhere. */
const plugin: RuntimePlugin = { contractVersion, runtime: /* @__PURE__ */ wasmRuntime() }
export default plugin

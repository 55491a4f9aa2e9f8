export { type AutoOptions, autoRuntime, type Candidate, type Trial } from './auto-runtime.ts'
export type { WasmPaths } from './ort/start-ort.ts'
export { wasmRuntime } from './wasm-runtime.ts'
export type { WebRuntimeOptions } from './web-runtime.ts'

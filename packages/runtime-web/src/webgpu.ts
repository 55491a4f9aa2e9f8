// The runtime on WebGPU, apart from that on wasm, so that a page loads one of them.

export { webgpuRuntime } from './webgpu-runtime.ts'

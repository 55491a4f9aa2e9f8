export { webgpuRuntime } from './webgpu-runtime.ts'

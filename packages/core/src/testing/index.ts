export * as runtimeModels from './runtime-models.ts'
export { testRuntime } from './test-runtime.ts'

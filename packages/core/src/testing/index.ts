export type { MethodTestOptions } from './method-checks.ts'
export {
  type EncoderGraph,
  type EncoderSite,
  type EncoderSize,
  type Pruning,
  referenceEncoder,
} from './reference-encoder.ts'
export * as runtimeModels from './runtime-models.ts'
export { testMethod } from './test-method.ts'
export { testRuntime } from './test-runtime.ts'

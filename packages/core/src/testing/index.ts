import * as runtimeModels from './runtime-models.ts'

export {
  arrayOf,
  expectClose,
  type GoldenArray,
  type GoldenCase,
  marked,
  ofGradients,
  rowOf,
  rowsOf,
  sorted,
  type Tolerance,
  tensorOf,
} from './golden.ts'
export type { MethodTestOptions } from './method-checks.ts'
export { type Choice, carriedOn, choose, lists, type OneSite } from './one-site.ts'
export {
  type EncoderGraph,
  type EncoderSite,
  type EncoderSize,
  type Pruning,
  referenceEncoder,
} from './reference-encoder.ts'
export { testMethod } from './test-method.ts'
export { type PluginTestOptions, testPlugin } from './test-plugin.ts'
export { testRuntime } from './test-runtime.ts'
export { runtimeModels }

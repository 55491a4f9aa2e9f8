import * as runtimeModels from './runtime-models.ts'

export {
  arrayOf,
  expectClose,
  type GoldenArray,
  type GoldenCase,
  marked,
  type NumberTolerance,
  ofGradients,
  rowOf,
  rowsOf,
  sorted,
  tensorOf,
} from './golden.ts'
export type { MethodTestOptions } from './method-checks.ts'
export { carriedOn, choose, lists, type OneSite, type SiteChoice } from './one-site.ts'
export {
  type EncoderGraph,
  type EncoderSite,
  type EncoderSize,
  type ReferencePruning,
  referenceEncoder,
} from './reference-encoder.ts'
export { testMethod } from './test-method.ts'
export { type PluginTestOptions, testPlugin } from './test-plugin.ts'
export { testRuntime } from './test-runtime.ts'
export { unlearnedValues } from './unlearned-values.ts'
export { runtimeModels }

// The conformance kits, and values that tests of methods compare with. Requires vitest.

import * as runtimeModels from './runtime-models.ts'

// Kits: all that holds for any method, plugin or runtime, as tests.

export type { MethodTestOptions } from './method-checks.ts'
export { testMethod } from './test-method.ts'
export { type PluginTestOptions, testPlugin } from './test-plugin.ts'
export { testRuntime } from './test-runtime.ts'
export { runtimeModels }

// Golden cases: numbers of published code, and how near a method comes to them.

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

// Sites and encoders: one site by hand, and a whole encoder to prune.

export { carriedOn, choose, lists, type OneSite, type SiteChoice } from './one-site.ts'
export {
  type EncoderGraph,
  type EncoderSite,
  type EncoderSize,
  type ReferencePruning,
  referenceEncoder,
} from './reference-encoder.ts'
export { unlearnedValues } from './unlearned-values.ts'

export type { HeadOutput, TokenReading } from './analyze/head.ts'
export { readsProbabilities } from './analyze/reads-probabilities.ts'
export { countFlops, type FlopsTarget, flopsFormula, keepForFlops, type Sizes } from './flops.ts'
export { fromPlan, layersAt, type PlannedOptions, type PlannedTransform, transformsOf } from './from-plan.ts'
export { type HeadWeights, headWeights } from './head-weights.ts'
export {
  type EncoderReport,
  type EncoderSummary,
  type Inspection,
  type InspectOptions,
  inspect,
  type LayerReport,
} from './inspect.ts'
export { type CacheReport, type DecoderInspection, inspectDecoder } from './inspect-decoder.ts'
export {
  contradiction,
  type PlanField,
  type PlanFields,
  type Relations,
  type WrittenAs,
  type WrittenField,
} from './plan/field.ts'
export { type Plan, planFields } from './plan/plan.ts'
export { QUANTIZE_DEFAULTS, type QuantizeOptions, quantizeFields, type WeightType } from './plan/quantize-options.ts'
export {
  checkPlan,
  checkRegimes,
  type FallbackRule,
  hasRegimes,
  type Regime,
  type RegimesPlan,
} from './plan/read-plan.ts'
export { type PressOptions, press } from './press.ts'
export type { LeftOutLayers } from './program/left-out.ts'
export { isPacked } from './program/packed-mark.ts'
export { type CutRecord, type PruningStep, readProvenance } from './program/provenance.ts'
export type { PrunedPrompt } from './program/pruned-prompt.ts'
export { isRefused, type Refusal, Refused } from './program/refusal.ts'
export type { InsertedCut } from './prune/cut.ts'
export { MASK, POSITIONS, TRACE } from './prune/extra-outputs.ts'
export type { PrunedEncoder } from './prune/prune-model.ts'
export { type NamedEncoder, PRUNE_DEFAULTS, type PruneOptions } from './prune/prune-options.ts'
export type { FloatWeights } from './quantize/float-weights.ts'
export { productsSaturate } from './quantize/products-saturate.ts'
export type { QuantizedNode } from './quantize/quantize-model.ts'
export { type SmoothedSite, type SmoothSite, smoothSites } from './quantize/smooth-model.ts'
export type { ChannelRanges } from './quantize/smooth-scales.ts'
export type { SoftenOptions, SoftInput, SoftModel } from './soften/soft-model.ts'
export { soften } from './soften/soften.ts'
export {
  LAST_LOGITS_DEFAULTS,
  type LastLogitsOptions,
  type LastLogitsReport,
  lastLogits,
} from './transforms/last-logits.ts'
export { type LeaveOutOptions, type LeaveOutReport, leaveOut } from './transforms/leave-out.ts'
export { order } from './transforms/order.ts'
export { type PackReport, pack } from './transforms/pack.ts'
export { type PruneReport, prune } from './transforms/prune.ts'
export {
  PRUNE_PROMPT_DEFAULTS,
  type PrunePromptOptions,
  type PrunePromptReport,
  prunePrompt,
} from './transforms/prune-prompt.ts'
export { type QuantizeReport, quantize } from './transforms/quantize.ts'
export { type QuantizeCachesReport, quantizeCaches } from './transforms/quantize-caches.ts'
export { type ReadAnyStatesOptions, type ReadAnyStatesReport, readAnyStates } from './transforms/read-any-states.ts'
export { type ReadClassTokenOptions, type ReadClassTokenReport, readClassToken } from './transforms/read-class-token.ts'
export { type SmoothOptions, type SmoothReport, smooth } from './transforms/smooth.ts'
export {
  type Condition,
  reportOf,
  type Subject,
  type Transform,
  type Transformed,
  type TransformReport,
  transform,
} from './transforms/transform.ts'

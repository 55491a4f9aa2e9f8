export type { HeadOutput, TokenReading } from './analyze/head.ts'
export { readsProbabilities } from './analyze/reads-probabilities.ts'
export { type AnyStates, type AnyStatesOptions, type AnyStatesResult, readAnyStates } from './any-states.ts'
export { countFlops, type FlopsTarget, flopsFormula, keepForFlops, type Sizes } from './flops.ts'
export { fromPlan, layersAt, type PlannedOptions } from './from-plan.ts'
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
export { type DecoderResult, type LastLogitsOptions, lastLogits } from './last-logits.ts'
export { type LeaveOutOptions, type LeaveOutResult, leaveOutLayers } from './leave-out-layers.ts'
export { type Packed, type PackResult, pack } from './pack/pack.ts'
export {
  contradiction,
  type PlanField,
  type PlanFields,
  type Relations,
  type WrittenAs,
  type WrittenField,
} from './plan/field.ts'
export { type Plan, planFields } from './plan/plan.ts'
export { type QuantizeOptions, quantizeFields, type WeightType } from './plan/quantize-options.ts'
export {
  checkPlan,
  checkRegimes,
  type FallbackRule,
  hasRegimes,
  type Regime,
  type RegimesPlan,
} from './plan/read-plan.ts'
export { type PressOptions, type PressResult, press } from './press.ts'
export type { LeftOutLayers } from './program/left-out.ts'
export { isPacked } from './program/packed-mark.ts'
export { type CutRecord, type PruningStep, readProvenance } from './program/provenance.ts'
export type { PrunedPrompt } from './program/pruned-prompt.ts'
export type { Refusal } from './program/refusal.ts'
export { type Pruned, type PrunedEncoder, type PruneResult, prune, pruneOrThrow } from './prune.ts'
export { type PrunePromptOptions, prunePrompt } from './prune-prompt.ts'
export type { FloatWeights } from './quantize/float-weights.ts'
export { productsSaturate } from './quantize/products-saturate.ts'
export { type Quantized, type QuantizedNode, type QuantizeResult, quantize } from './quantize/quantize.ts'
export { type Smoothed, type SmoothedSite, type SmoothSite, smooth, smoothSites } from './quantize/smooth.ts'
export type { ChannelRanges } from './quantize/smooth-scales.ts'
export { quantizeCaches } from './quantize-caches.ts'
export { readClassToken } from './read-class-token.ts'
export type { SoftenOptions, SoftInput, SoftModel } from './soften/soft-model.ts'
export { soften } from './soften/soften.ts'
export type { InsertedCut } from './transform/cut.ts'
export { MASK, POSITIONS, TRACE } from './transform/extra-outputs.ts'
export type { NamedEncoder, PruneOptions } from './transform/prune-options.ts'

// Transforms: functions that change a model, in an order that fits, under conditions that are checked on it.

export { isRefused, type Refusal, Refused, whyRefused } from './program/refusal.ts'
export { order } from './transforms/order.ts'
export {
  type Condition,
  reportOf,
  type Subject,
  type Transform,
  type Transformed,
  type TransformReport,
  transform,
} from './transforms/transform.ts'

// Pruning: tokens of an encoder, at the layers of a schedule.

export type { CutRecord } from './program/provenance.ts'
export type { InsertedCut } from './prune/cut.ts'
export { MASK, POSITIONS, TRACE } from './prune/extra-outputs.ts'
export type { PrunedEncoder } from './prune/prune-model.ts'
export { type NamedEncoder, PRUNE_DEFAULTS, type PruneOptions } from './prune/prune-options.ts'
export { WEIGHTS } from './prune/weigh-rows.ts'
export { type PruneReport, prune } from './transforms/prune.ts'

// Image tokens: which of them a vision encoder hands over to a decoder.

export { type ImageTokens, readImageTokens } from './program/image-tokens.ts'
export {
  type PruneImageTokensOptions,
  type PruneImageTokensReport,
  pruneImageTokens,
} from './transforms/prune-image-tokens.ts'

// Decoders: tokens of a prompt, logits that generating does not read, caches that are pressed or stored in 8 bits.

export { type PressOptions, press } from './press.ts'
export type { PrunedPrompt } from './program/pruned-prompt.ts'
export {
  LAST_LOGITS_DEFAULTS,
  type LastLogitsOptions,
  type LastLogitsReport,
  lastLogits,
} from './transforms/last-logits.ts'
export {
  PRUNE_PROMPT_DEFAULTS,
  type PrunePromptOptions,
  type PrunePromptReport,
  prunePrompt,
} from './transforms/prune-prompt.ts'
export { type QuantizeCachesReport, quantizeCaches } from './transforms/quantize-caches.ts'
export { type ReadAnyStatesOptions, type ReadAnyStatesReport, readAnyStates } from './transforms/read-any-states.ts'
export { type WeighStatesOptions, type WeighStatesReport, weighStates } from './transforms/weigh-states.ts'

// Layers and rows: left out, or not read.

export type { LeftOutLayers } from './program/left-out.ts'
export { type FixImageSizeOptions, type FixImageSizeReport, fixImageSize } from './transforms/fix-image-size.ts'
export { type LeaveOutOptions, type LeaveOutReport, leaveOut } from './transforms/leave-out.ts'
export { type ReadClassTokenOptions, type ReadClassTokenReport, readClassToken } from './transforms/read-class-token.ts'
export { type ReadLastTokenOptions, type ReadLastTokenReport, readLastToken } from './transforms/read-last-token.ts'

// Weights: in 8 bits, after outlying channels are smoothed.

export {
  type Activations,
  QUANTIZE_DEFAULTS,
  type QuantizeOptions,
  quantizeFields,
  type WeightType,
} from './plan/quantize-options.ts'
export type { FloatWeights } from './quantize/float-weights.ts'
export { inFloats } from './quantize/in-floats.ts'
export { productsSaturate } from './quantize/products-saturate.ts'
export type { QuantizedNode } from './quantize/quantize-model.ts'
export { isQuantized } from './quantize/quantized-nodes.ts'
export { roundsByBatch } from './quantize/rounds-by-batch.ts'
export { type SmoothedSite, type SmoothSite, smoothSites } from './quantize/smooth-model.ts'
export type { ChannelRanges } from './quantize/smooth-scales.ts'
export { unrounded, withExactProducts } from './quantize/unrounded.ts'
export { type QuantizeReport, quantize } from './transforms/quantize.ts'
export { type SmoothOptions, type SmoothReport, smooth } from './transforms/smooth.ts'

// Packing: batches without padding.

export { isPacked } from './program/packed-mark.ts'
export { type PackReport, pack } from './transforms/pack.ts'

// Plans: as JSON, and the fields that options, checks and documents are made from.

export {
  fromPlan,
  layersAt,
  type PlannedTransform,
  type TrainedValues,
  transformsOf,
  type UnplannedOptions,
} from './from-plan.ts'
export {
  contradiction,
  type PlanField,
  type PlanFields,
  type Relations,
  type WrittenAs,
  type WrittenField,
} from './plan/field.ts'
export { type Plan, planFields } from './plan/plan.ts'
export {
  checkPlan,
  checkRegimes,
  hasRegimes,
  type Regime,
  type RunPlan,
} from './plan/read-plan.ts'

// Inspection: of an encoder, a decoder, and the steps that a file has behind it.

export type { LaterLayers } from './analyze/encoder.ts'
export type { HeadOutput, TokenReading } from './analyze/head.ts'
export { readsProbabilities } from './analyze/reads-probabilities.ts'
export type { StatesNorm } from './analyze/states-norm.ts'
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
export { addChosenOn, readChosenOn } from './program/chosen-on.ts'
export { readLeftOut } from './program/left-out.ts'
export { type PruningStep, readProvenance } from './program/provenance.ts'
export { readPrunedPrompt } from './program/pruned-prompt.ts'
export { readsWeights, weighedChannel } from './program/weighed.ts'
export { hasAllPositions, withoutSilence } from './whole-encoder.ts'

// Costs: FLOPs as a formula of sizes, and the largest value.

export { countFlops, type FlopsTarget, flopsFormula, keepForFlops, type Sizes } from './flops.ts'
export { type LargestValue, largestValue } from './largest-value.ts'

// Soft pruning: for training by gradients.

export type { SoftenOptions, SoftInput, SoftModel } from './soften/soft-model.ts'
export { soften } from './soften/soften.ts'

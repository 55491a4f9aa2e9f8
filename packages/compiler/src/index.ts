export type { InsertedCut } from './cut/insert.ts'
export { type CutRecord, type PruningStep, readProvenance } from './cut/provenance.ts'
export { MASK, TRACE } from './find/extra-outputs.ts'
export { type HeadWeights, headWeights } from './find/head-weights.ts'
export { countFlops, type FlopsTarget, flopsFormula, keepForFlops, type Sizes } from './flops.ts'
export { readsProbabilities } from './fused/reads-probabilities.ts'
export {
  type EncoderReport,
  type EncoderSummary,
  type Inspection,
  type InspectOptions,
  inspect,
  type LayerReport,
} from './inspect.ts'
export { type Packed, type PackResult, pack } from './pack/pack.ts'
export {
  checkPlan,
  checkRegimes,
  fromPlan,
  hasRegimes,
  layersAt,
  type Plan,
  type PlannedOptions,
  type Regime,
  type RegimesPlan,
} from './plan.ts'
export {
  type NamedEncoder,
  type Pruned,
  type PrunedEncoder,
  type PruneOptions,
  type PruneResult,
  prune,
  pruneOrThrow,
} from './prune.ts'
export type { Refusal } from './refusal.ts'
export { type SoftenOptions, type SoftInput, type SoftModel, soften } from './soft/soften.ts'

export { MASK, TRACE } from './extra-outputs.ts'
export { countFlops, type FlopsTarget, flopsFormula, keepForFlops, type Sizes } from './flops.ts'
export { readsProbabilities } from './fused/reads-probabilities.ts'
export type { InsertedCut } from './insert.ts'
export {
  type BlockReport,
  type EncoderReport,
  type Inspection,
  type InspectOptions,
  inspect,
  type TowerReport,
} from './inspect.ts'
export { type CutRecord, type PruningStep, readProvenance } from './provenance.ts'
export {
  type Pruned,
  type PrunedTower,
  type PruneOptions,
  type PruneResult,
  prune,
  type Tower,
} from './prune.ts'
export type { Refusal } from './refusal.ts'

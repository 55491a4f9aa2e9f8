// Plans: the fastest pruning that loses no more than is allowed.

export type { EightBits } from './eight-bits.ts'
export { type FindPlanOptions, type FindProgress, findPlan } from './find-plan.ts'
export type { LeftOut } from './leave-out.ts'
export type { Loss, Tolerance } from './loss.ts'
export type { Losses } from './measure-answers.ts'
export type { Measurements, Shape, Skipped, TuneOptions, TuneProgress, Variant } from './options.ts'
export type { Cell } from './regimes.ts'
export { type SparedExamples, spareForCheck } from './spare-for-check.ts'
export { tune } from './tune.ts'
export type { Figures, TunedCascade, TunedPlan } from './tuned-plan.ts'
export { usualMethods } from './usual-methods.ts'
export { verifyInSequence } from './verify.ts'

// Without data: what was measured to be safe for the head of a model.

export { type PruneSafelyOptions, pruneSafely, type SafeChoice, type SafelyPruned } from './safe/prune-safely.ts'
export type { SafeMethod } from './safe/safe-default.ts'
export { type WholeReading, wholeReadings } from './safe/whole-readings.ts'

// Weights in eight bits: as few products remain in float32 as a tolerance allows.

export {
  type QuantizedOnData,
  type QuantizeOnDataOptions,
  type QuantizeStage,
  quantizeOnData,
} from './quantize-on-data.ts'
export type { Quantized, QuantizedWithin, QuantizeProgress } from './quantize-within.ts'

// Cascades and monitors: calibrated on examples.

export { type CalibratedModel, type CalibrateOptions, calibrate } from './calibrate.ts'

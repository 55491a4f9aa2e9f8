// Plans: the fastest change of a model that loses no more than is allowed.

export type { Losses } from './judging/answers.ts'
export type { Loss, Tolerance } from './judging/loss.ts'
export type { TooFewJudged } from './judging/vectors/with-judgments.ts'
export { verifyInSequence } from './judging/verify.ts'
export { optimize } from './optimize.ts'
export type { Figures, OptimizedCascade, OptimizedPlan } from './optimized-plan.ts'
export type {
  Measurements,
  MethodToTeach,
  OptimizeOptions,
  OptimizeProgress,
  Shape,
  Skipped,
  Variant,
} from './options.ts'
export type { Cell } from './regimes.ts'
export type { LeftOut } from './search/fewer-layers.ts'
export type { AloneEffect } from './search/forms.ts'

// Speech: an encoder and the decoders of its states, without data.

export {
  type PrunedSpeech,
  type PruneSpeechOptions,
  pruneSpeech,
  SPEECH_PLAN,
  type SpeechModels,
} from './speech/prune-speech.ts'
export { type WeighedDecoders, weighDecoders } from './speech/weigh-decoders.ts'

// For readers: a plan in lines, and the verdict on it.

export { describeLoss, describeOptimized, planThatRemains } from './summary/describe.ts'
export { changesNothing, verdictOfPlan } from './summary/verdict.ts'

// Without data: what was measured to be safe for the head of a model.

export { type PruningToNote, pruningNotes, safeChoiceNote } from './safe/notes.ts'
export { type PruneSafelyOptions, pruneSafely, type SafeChoice, type SafelyPruned } from './safe/prune-safely.ts'
export { quantizeFormFor, saturatesOn } from './safe/quantize-form.ts'
export type { SafeMethod } from './safe/safe-default.ts'

// Weights in eight bits: as few products remain in float32 as a tolerance allows.

export {
  type QuantizeComparedOptions,
  type QuantizedOnData,
  type QuantizeOnDataOptions,
  type QuantizeStage,
  quantizeCompared,
  quantizeOnData,
} from './quantize-on-data.ts'
export type { Quantized, QuantizedWithin, QuantizeProgress } from './quantize-within.ts'

// Cascades and monitors: calibrated on examples.

export { type CalibratedModel, type CalibrateOptions, calibrate } from './calibrate.ts'

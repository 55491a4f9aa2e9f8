export { examplesFlops, keptCounts } from './examples-flops.ts'
export { type FitOptions, type Fitted, fitSchedule, type PruningOptions } from './fit-schedule.ts'
export { type LearnedPruning, type LearnOptions, learnPruning, type TrainingPart } from './learn.ts'
export type { LensCosine } from './lens/context.ts'
export { type FitLensOptions, type FittedLens, fitLens } from './lens/fit-lens.ts'
export type { FitLensProgress } from './lens/over-texts.ts'
export { crossEntropy, distillation, policyLoss } from './losses.ts'
export { type SaliencyOptions, type SaliencyScore, saliencyOf } from './saliency.ts'
export { type ScheduleScorerOptions, scheduleScorer } from './schedule-scorer.ts'
export {
  type ScheduleCandidate,
  type Scored,
  type SearchOptions,
  type SearchResult,
  searchSchedule,
} from './search-schedule.ts'
export { defaults, type Settings, type TrainSettings } from './settings.ts'
export type { SoftMethod } from './soft-method.ts'
export type { TrainProgress } from './step.ts'
export { SOFT_PART, type Trained, type TrainOptions, train } from './train.ts'
export { type Answer, type LossOptions, type SoftStep, type TrainingGraph, trainingGraph } from './training-graph.ts'
export type { TrainingWork, WorkDone } from './training-work.ts'
export { allButTables, type Trains, type Weight, type Weights, weightsOf, withWeights } from './weights.ts'

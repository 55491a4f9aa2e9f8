// Training: an encoder with pruning in the loop, up to a model file.

export { defaults, type Settings, settingsOf, type TrainSettings } from './settings.ts'
export type { SoftMethod } from './soft-method.ts'
export type { TrainProgress } from './step.ts'
export { SOFT_PART, type Trained, type TrainOptions, train } from './train.ts'
export type { TrainingWork, WorkDone } from './training-work.ts'

// Jobs: the whole of a training: the stages of a method, stored and resumed, observed, and learned values as a plan.

export { APART } from './job/apart.ts'
export type { Accuracies, TrainedJob, TrainingJob } from './job/job.ts'
export { type LearnedPlan, learnedSummary, planAt } from './job/learned-plan.ts'
export type { TrainingObserver } from './job/observer.ts'
export { showTraining, type TrainingDisplay } from './job/show-training.ts'
export {
  kindOfStage,
  methodWork,
  type StageWork,
  saliencyWork,
  type TrainingStage,
  trainingStages,
} from './job/stages.ts'
export { ANSWERS_PART, type StoredPart, type TrainingStore } from './job/store.ts'
export { type TeachMethodOptions, teachMethod } from './job/teach-method.ts'
export { layersToLearn, type TrainedMethod, type TrainMethodOptions, trainMethod } from './job/train-method.ts'
export {
  type FitPlanOptions,
  type FittedPlan,
  fitPlan,
  fittedMethods,
  learnsByPlan,
  type TrainedPlan,
  type TrainPlanOptions,
  trainPlan,
} from './job/train-plan.ts'
export { type TrainPrunedOptions, trainPruned } from './job/train-pruned.ts'
export { type TrainablePart, trainableParts, trainsOf } from './job/which-weights.ts'

// Learned pruning: the values of a method, its schedule, or the lens that it predicts by.

export { type FitOptions, type Fitted, fitSchedule, type PruningOptions } from './fit-schedule.ts'
export { type LearnedPruning, type LearnOptions, learnPruning, type TrainingPart } from './learn.ts'
export type { LensCosine } from './lens/context.ts'
export { type FitLensOptions, type FittedLens, fitLens } from './lens/fit-lens.ts'
export type { FitLensProgress } from './lens/over-texts.ts'
export {
  type ScheduleCandidate,
  type Scored,
  type SearchOptions,
  type SearchResult,
  searchSchedule,
} from './search-schedule.ts'

// Steps: the graph of a step, its losses and its weights.

export { crossEntropy, distillation, policyLoss } from './losses.ts'
export {
  type AnswerKind,
  type LossOptions,
  type SoftStep,
  type TrainingGraph,
  trainingGraph,
} from './training-graph.ts'
export { allButTables, type Trains, type Weight, type Weights, weightsOf, withWeights } from './weights.ts'

// Measures: how much tokens matter, and what examples cost.

export { examplesFlops, keptCounts } from './examples-flops.ts'
export { type SaliencyOptions, type SaliencyScore, saliencyOf } from './saliency.ts'

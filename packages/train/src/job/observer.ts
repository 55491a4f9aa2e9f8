import type { TrainingPart } from '../learn.ts'
import type { TrainProgress } from '../step.ts'
import type { TrainingWork } from '../training-work.ts'
import type { StageWork, TrainingStage } from './stages.ts'

/** Callbacks of a training, for a display of its progress. */
export interface TrainingObserver {
  /** The work of stages, as soon as it is known; more may become known later. */
  expect?(work: StageWork): void
  /** A stage begins. */
  enter?(stage: TrainingStage): void
  /** How far a stage is in which nothing is learned. */
  advance?(done: number, total: number): void
  /** After each step. */
  onStep?(at: TrainProgress, part: TrainingPart): void
  /** Long work between steps, and inside of one. */
  onWork?(at: TrainingWork, part: TrainingPart): void
  /** After a checkpoint was stored. */
  onSaved?(): void
  /** A sentence for the user. */
  onNote?(text: string): void
}

import type { RunPlan } from '@tp/compiler'
import type { AnswerForm } from '@tp/core/runtime'
import type { GuardRule } from '@tp/plans'

/** The task for each text: its class, the labels that hold, one score, a tag for each word, or a vector. */
export type BulkTask = 'classification' | 'multi-label' | 'ranking' | 'tokens' | 'embeddings'

/** The runtime of a model; others may round differently. */
export type RuntimeName = 'node' | 'native'

/** The preparation of a model's files. */
export interface SessionSpec {
  readonly runtime: RuntimeName
  /** How the model, a dense one, is pruned. */
  readonly plan: RunPlan | null
  /** When answers of the model, a pruned one, fall back to the dense one. */
  readonly guard: GuardRule | null
}

/** The settings that answers depend on, besides model and rows. */
export interface ComputeSpec extends SessionSpec {
  readonly task: BulkTask
  /** The form of the numbers of classes or labels, decided once for a run; null where the task reads none. */
  readonly answerForm: AnswerForm | null
  /** Names of the classes; without them their numbers. */
  readonly labels: readonly string[] | null
  /** Longer texts are cut. */
  readonly maxTokens: number | null
  /** Most tokens of a batch. */
  readonly batchTokens: number
}

import type { Session } from '@tp/core'
import type { EvaluateOptions, Outcome } from '@tp/eval'

/** What is said of a model's answers: in columns of the table, by heading, and in JSON. */
export interface Answers {
  readonly columns: Readonly<Record<string, string>>
  readonly content: object
}

/** How a task is measured. */
export interface Judge<O extends Outcome> {
  run(session: Session, options: EvaluateOptions): Promise<O>
  /** Of the dense model itself. */
  dense(outcome: O): Answers
  /** Of a pruned one beside it; of several, one a seed, all taken together. */
  pruned(outcomes: readonly [O, ...O[]], dense: O): Answers
}

import type { Session } from '@tp/core/runtime'
import type { EvaluateOptions, Outcome } from '@tp/eval'
import type { Figure } from '@tp/eval/metrics'

/** What is said of a model's answers: in columns of the table, by heading, and in JSON. */
export interface JudgedAnswers {
  readonly columns: Readonly<Record<string, string>>
  readonly content: object
  /** Of a pruned model: what it is judged by beside another one. */
  readonly paired?: Paired
}

/** Numbers by example, so that two prunings are compared on the same ones. */
export interface Paired {
  /** What the figure is called. */
  readonly name: string
  readonly figure: Figure
  /** For McNemar's test; absent where several seeds are taken together, and where no answer is right or wrong. */
  readonly correct: readonly boolean[] | undefined
}

/** How a task is measured. */
export interface Judge<O extends Outcome> {
  run(session: Session, options: EvaluateOptions): Promise<O>
  /** Of the dense model itself. */
  dense(outcome: O): JudgedAnswers
  /** Of a pruned one beside it; of several, one a seed, all taken together. */
  pruned(outcomes: readonly [O, ...O[]], dense: O): JudgedAnswers
}

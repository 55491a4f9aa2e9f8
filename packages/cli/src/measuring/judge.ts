import type { EvaluateOptions, Outcome } from '@tp/compare'
import type { Session } from '@tp/core/runtime'
import type { Figure, Interval } from '@tp/metrics'

/** What is said of a model's answers: in columns of the table, by heading, and in JSON. */
export interface JudgedAnswers {
  readonly columns: Readonly<Record<string, string>>
  readonly content: object
  /** What follows for the user, in one line. */
  readonly verdict?: string
  /** Of a pruned model: its metrics compared with another one. */
  readonly paired?: Paired
  /** Of a pruned model: what it costs, by the figure that its task is judged by. */
  readonly loss?: Loss
}

/** What a pruned model loses compared with the dense one. */
export interface Loss {
  /** What it is counted in: `points of accuracy`. */
  readonly unit: string
  readonly interval: Interval
  /** Whether all outputs are the dense ones, but for rounding. */
  readonly same: boolean
}

/** Numbers by example, so that two prunings are compared on the same ones. */
export interface Paired {
  /** What the figure is called. */
  readonly name: string
  readonly figure: Figure
  /** For McNemar's test; absent for several seeds together, and if no answer is right or wrong. */
  readonly correct: readonly boolean[] | undefined
}

/** How a task is measured. */
export interface Judge<O extends Outcome> {
  run(session: Session, options: EvaluateOptions): Promise<O>
  /** Of the dense model itself. */
  dense(outcome: O): JudgedAnswers
  /** Of a pruned one compared with it; of several seeds together. */
  pruned(outcomes: readonly [O, ...O[]], dense: O): JudgedAnswers
}

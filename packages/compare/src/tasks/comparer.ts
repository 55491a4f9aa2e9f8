import type { Session } from '@tp/core/runtime'
import type { Figure, Interval } from '@tp/metrics'
import type { Outcome } from '../answers/outcome.ts'
import type { EvaluateOptions } from '../answers/run-examples.ts'

/** A number of a comparison, by what it is. */
export type TableCell =
  /** A figure, in percent for the most part. */
  | { readonly interval: Interval }
  /** A difference of two figures in points. */
  | { readonly points: Interval }
  | { readonly percent: number; readonly digits?: number }
  | { readonly number: number; readonly digits: number }
  /** How likely chance alone makes as large a difference; absent where nothing was tested. */
  | { readonly p: number | undefined }

/** Answers of a model compared with those of the dense one, in the figures of their task. */
export interface ComparedAnswers {
  /** By heading, in the order of a table. */
  readonly cells: Readonly<Record<string, TableCell | undefined>>
  /** All of it as JSON. */
  readonly content: object
  /** Advice for the user, in one line. */
  readonly verdict?: string | undefined
  /** For a pruned model: its metrics compared with another one. */
  readonly paired?: Paired
  /** For a pruned model: its cost, by the figure of its task. */
  readonly loss?: ComparedLoss
}

/** The loss of a pruned model compared with the dense one. */
export interface ComparedLoss {
  /** Its unit: `points of accuracy`. */
  readonly unit: string
  readonly interval: Interval
  /** Without labels: the most that can be lost, whichever answers are right, with 97.5 % confidence. */
  readonly most?: number
  /** Whether all outputs are the dense ones, but for rounding. */
  readonly same: boolean
  /** Why the examples cannot show a loss, in words that follow "the dense model": it gives all of them one answer, or agrees with judgments by chance. */
  readonly unshown?: string | undefined
  /** How many examples a bootstrap drew the interval from: of few, and where hardly any answer differs, it is too narrow. Absent for other intervals. */
  readonly drawn?: number
}

/** Numbers by example, so that two prunings are compared on the same ones. */
export interface Paired {
  /** The name of the figure. */
  readonly name: string
  readonly figure: Figure
  /** For McNemar's test; absent for several seeds together, and if no answer is right or wrong. */
  readonly correct: readonly boolean[] | undefined
}

/** How near a model's answers are to those of the dense model, on the same examples. */
export interface AnswerNearness {
  /** 0 … 1: the share of equal classes, the mean cosine of vectors, or the rank correlation with the order. */
  readonly similarity: number
  /** 0 for the same answers; sees what changes no answer yet. Only compared with others. */
  readonly divergence: number
}

/** How the models of a task are run and compared. */
export interface Comparer<O extends Outcome = Outcome> {
  run(session: Session, options: EvaluateOptions): Promise<O>
  /** The dense model's own figures. */
  dense(outcome: O): ComparedAnswers
  /** Those of a pruned one compared with it; of several seeds together. */
  pruned(outcomes: readonly [O, ...O[]], dense: O): ComparedAnswers
  /** Without labels. @throws TpError TP_DATA where nothing can be compared, TP_OPTION for transcripts */
  nearness(outcome: O, dense: O): AnswerNearness
}

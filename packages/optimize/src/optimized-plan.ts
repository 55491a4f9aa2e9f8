import type { RunPlan } from '@tp/compiler'
import type { AnswerForm } from '@tp/core/runtime'
import type { Interval } from '@tp/metrics'
import type { TooFewJudged } from './judging/vectors/with-judgments.ts'
import type { Skipped } from './options.ts'
import type { Cell } from './regimes.ts'
import type { LeftOut } from './search/fewer-layers.ts'
import type { AloneEffect } from './search/forms.ts'

/** The changes to make to a model on a device, as JSON (`checkRegimes` of @tp/compiler reads it). */
export interface OptimizedPlan extends RunPlan {
  /** The fallback to the dense model, for runs of the last regime: options of `cascade` of @tp/guard. */
  readonly cascade?: OptimizedCascade
  /** The measurements behind it. */
  readonly figures: Figures
}

export interface OptimizedCascade {
  readonly uncertainty: 'probability'
  /** Answers of at least this uncertainty fall back. */
  readonly threshold: number
  /** The form of the answers; absent: logits. */
  readonly answerForm?: AnswerForm
  /** The share of the choosing examples that fell back. */
  readonly share: number
}

export interface Figures {
  /** The allowed loss in points, … */
  readonly maxLoss: number
  /** … hundredths of this: the mean nDCG@10 of rankings, the mean cosine of vectors to the dense ones, Spearman's correlation with the scores of pairs, the tags of a sentence, the labels that hold, the correlation with the dense model's numbers. */
  readonly points: 'accuracy' | 'nDCG@10' | 'cosine' | 'Spearman' | 'tags' | 'labels' | 'correlation' | 'WER'
  /** Of vectors that people's judgments decide on: their mean cosine to the dense ones. Far ones may be as good, but not in one index with these. */
  readonly cosine?: number
  /** Judgments of texts to embed that were too few to choose by, so that vectors were compared with the dense ones. */
  readonly tooFewJudged?: TooFewJudged
  /** The documents that queries were searched in. Few of them are an easy search, in which less is lost than in many. */
  readonly documents?: number
  /** Whether the upper end of the interval is within it, so that the plan loses more with probability 2.5 % at most. */
  readonly confident: boolean
  /**
   * Whether the losses are of examples that chose nothing, but for `rejected`. Else the same examples have chosen the plan: its expected
   * loss is at most `maxLoss` by a one-sided bound of 80 %, which is broken more often after a choice among many; the 95 % interval of
   * the expected loss is wide enough to allow for the choice (docs/how-measured.md).
   */
  readonly confirmed: boolean
  /** Faster plans that lost more than is allowed on the examples that confirm, if there were any: these have made that choice. */
  readonly rejected?: number
  /**
   * Points lost by labels on the examples, with 95 % interval, paired with dense; where there are none, by the dense model's probabilities.
   * Absent if nothing is changed.
   */
  readonly loss?: Interval
  /** Without labels: answers that are not the dense model's, in percent, with the exact 95 % interval. No more points can be lost. */
  readonly changed?: Interval
  /**
   * The same by the dense model's own probabilities instead of labels: a narrower interval, by which the plan was chosen. Logits are
   * divided by the temperature.
   */
  readonly expectedLoss?: Interval
  /** The temperature that labels fit, above 1 for a model that is overconfident; absent where probabilities count as they are. */
  readonly temperature?: number
  /** Labels say with 97.5 % confidence that more is lost than is allowed, although probabilities do not: an alarm. */
  readonly contradicted?: true
  /** Times as fast as the dense model, dead tokens included, at the shapes, with 95 % interval; absent if nothing is faster. */
  readonly speedup?: Interval
  /** The effect of 8-bit weights without pruning, if they were tried. */
  readonly eightBits?: AloneEffect
  /** The effect of leaving layers out without pruning, if it was tried. */
  readonly leftOut?: LeftOut
  /** Optional variants and forms that were not tried; absent if all were. */
  readonly skipped?: readonly Skipped[]
  /** Those that the losses are of. */
  readonly examples: number
  /** Examples that repeated another one, and were left out; absent if there were none. */
  readonly repeated?: number
  /** The dense model gives all examples one class, the same labels or tag, or one estimate: a model that always gives it would seem to lose nothing. */
  readonly oneAnswer?: true
  readonly data: string
  /** Candidates that answered all examples, or so many that they were known to fail. */
  readonly tried?: number
  /** Whether the time ended the search. */
  readonly isCutShort?: true
  /** End-to-end measurements by shape; with a cascade, including the most that its fallbacks can cost there. */
  readonly grid: readonly Cell[]
  /** For an encoder of speech: the encoder alone; `grid` has it with its decoder. */
  readonly encoder?: Cell
  readonly runtime: string
  readonly version: string
  readonly device: string
  readonly date: string
}

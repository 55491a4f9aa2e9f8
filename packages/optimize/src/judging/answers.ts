import type { Ranking } from '@tp/data'
import type { AllLogits, Figure } from '@tp/metrics'

/** The answers of a model to some examples. */
export interface Answers {
  /**
   * [examples, classes]; scores to rank candidates by; of vectors 1 − the cosine to the dense one, [examples]; of token classifiers the
   * tags of all judged tokens, one sentence after the other.
   */
  readonly logits: Float32Array
  /** 1 where there are no classes. */
  readonly classes: number
  /** Of candidates that are to be ranked. */
  readonly ranking?: Ranking | undefined
  /** Of tags of the dense model, unless there are very many: the logits that they come from, [judged tokens, classes]. */
  readonly tagLogits?: AllLogits | undefined
  /** Of texts that people have judged: the cosines of pairs, or the nDCG@10 of queries. */
  readonly judged?: readonly number[] | undefined
  /** Divides logits where the dense model's probabilities count; fitted by the labels. Default: 1. */
  readonly temperature?: number
}

/**
 * Points of accuracy lost against dense, [examples], by the labels, and by the dense model's own probabilities; of a ranking points of
 * nDCG@10, [queries]; of vectors hundredths of the cosine, [examples], both times, or points of Spearman's correlation, [pairs], or of nDCG@10, [queries]; of tags points of F1, [sentences].
 */
export interface Losses {
  /** Absent where examples have no labels. */
  readonly labeled?: readonly number[] | undefined
  readonly expected: readonly number[]
  /** 100 for an example with another answer than dense, else 0: no more can be lost. Absent where answers are more or less right. */
  readonly changed?: readonly number[] | undefined
  /** A ranking, a vector or a sentence is more or less right, not right or wrong. */
  readonly graded?: true
  /** Of tags, what the losses are made of: the figures of the two models, by the labels, and against the dense model's tags. */
  readonly tags?: TagFigures | undefined
  /** Some may be below 0, so that others make up for what a few lose. */
  readonly mayGain?: true
  /** Of texts in pairs, what the losses are made of. */
  readonly pairs?: PairFigures | undefined
}

/** Cosines of pairs of texts by the two models, and how alike people say the texts are, by pair. */
export interface PairFigures {
  readonly dense: readonly number[]
  readonly changed: readonly number[]
  readonly scores: readonly number[]
}

/** F1 of tags by sentence. */
export interface TagFigures {
  /** Of the changed model, against the dense one's tags. */
  readonly against: Figure
  /** Of both, as the dense model's probabilities have it. */
  readonly expected?: BothFigures | undefined
  /** Of both, by the labels. */
  readonly labeled?: BothFigures | undefined
}

interface BothFigures {
  readonly dense: Figure
  readonly changed: Figure
}

import { TpError } from '@tp/core'
import {
  accuracyLoss,
  boundedMean,
  divergences,
  expectedLosses,
  type Figure,
  figureInterval,
  type Interval,
  type McNemar,
  mcnemar,
  mean,
  meanFigure,
  scaledInterval,
} from '@tp/metrics'
import type { Classification, Evaluation } from './outcome.ts'

/** A pruned model compared with the dense one on the same examples. */
export interface DenseComparison {
  /** Accuracy lost, in percentage points, with the 95 % score interval of paired answers; below 0 is a gain. */
  readonly loss: Interval
  /** Whether that is more than chance: the dense model is the first, the pruned one the second. */
  readonly mcnemar: McNemar
  /** Examples with the dense model's answer, in percent, right or wrong. */
  readonly agreement: number
  /** Largest difference of any logit. */
  readonly largestDifference: number
}

/** @throws TpError TP_OPTION if the two were not evaluated on the same examples */
export function compareToDense(pruned: Evaluation, dense: Evaluation): DenseComparison {
  const { changed, largestDifference } = changesFromDense(pruned, dense)
  return {
    loss: accuracyLoss(dense.correct.map(Number), pruned.correct.map(Number)),
    mcnemar: mcnemar(dense.correct, pruned.correct),
    agreement: 100 - changed.estimate,
    largestDifference,
  }
}

/** How far the answers of a pruned model are from those of the dense one on the same examples, labeled or not. */
export interface DenseChanges {
  /** Answers that are not the dense model's, in percent, with the exact 95 % interval. No more points of accuracy can be lost. */
  readonly changed: Interval
  /**
   * Points of accuracy lost if the dense model's probabilities are right, with their 95 % interval. A model that is surer than it should be
   * makes it too large.
   */
  readonly expectedLoss: Interval
  /** KL(dense ‖ pruned), mean over the examples, in nats. */
  readonly divergence: number
  /** Largest difference of any logit. */
  readonly largestDifference: number
}

/** @throws TpError TP_OPTION if the two did not answer the same examples */
export function changesFromDense(pruned: Classification, dense: Classification): DenseChanges {
  const count = dense.predictions.length
  if (pruned.predictions.length !== count || pruned.logits.length !== dense.logits.length) {
    const counts = `${pruned.predictions.length} and ${count}`
    throw new TpError('TP_OPTION', 'compare', `evaluations of ${counts} examples cannot be compared; evaluate the same`)
  }
  let largestDifference = 0
  for (const [i, logit] of dense.logits.entries()) {
    largestDifference = Math.max(largestDifference, Math.abs(logit - (pruned.logits[i] as number)))
  }
  return {
    changed: scaledInterval(figureInterval(changedAnswers([pruned], dense)), 100),
    expectedLoss: expectedLoss([pruned], dense),
    // Rounding may leave less than nothing.
    divergence: Math.max(0, mean(divergences(dense, pruned))),
    largestDifference,
  }
}

/** By example whether the answer is another one than the dense model's; of several models how often. */
export function changedAnswers(pruned: readonly Classification[], dense: Classification): Figure {
  const changed = ({ predictions }: Classification): Figure => ({
    got: dense.predictions.map((own, i) => Number(own !== predictions[i])),
    share: true,
  })
  return meanFigure(pruned.map(changed))
}

/** Points, mean over the models. */
export function expectedLoss(pruned: readonly Classification[], dense: Classification): Interval {
  const { got } = meanFigure(pruned.map(({ predictions }) => ({ got: expectedLosses(dense, predictions) })))
  return scaledInterval(boundedMean(got.map((points) => points / 100)), 100)
}

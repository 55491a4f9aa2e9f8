import { TpError } from '@tp/core'
import type { Interval } from '@tp/metrics'
import { accuracyLoss, type McNemar, mcnemar } from '@tp/metrics'
import type { Evaluation } from './outcome.ts'

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
  const count = dense.predictions.length
  if (pruned.predictions.length !== count || pruned.logits.length !== dense.logits.length) {
    const counts = `${pruned.predictions.length} and ${count}`
    throw new TpError('TP_OPTION', 'compare', `evaluations of ${counts} examples cannot be compared; evaluate the same`)
  }
  const agreeing = dense.predictions.filter((prediction, i) => prediction === pruned.predictions[i]).length
  let largestDifference = 0
  for (const [i, logit] of dense.logits.entries()) {
    largestDifference = Math.max(largestDifference, Math.abs(logit - (pruned.logits[i] as number)))
  }
  return {
    loss: accuracyLoss(dense.correct.map(Number), pruned.correct.map(Number)),
    mcnemar: mcnemar(dense.correct, pruned.correct),
    agreement: (100 * agreeing) / count,
    largestDifference,
  }
}

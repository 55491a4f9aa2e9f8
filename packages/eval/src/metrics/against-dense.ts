import { TpError } from '@tp/core'
import type { Evaluation } from '../evaluate.ts'
import { type BootstrapOptions, bootstrapMean, type Interval } from './bootstrap.ts'
import { type McNemar, mcnemar } from './mcnemar.ts'

/** A pruned model beside the dense one on the same examples. */
export interface DenseComparison {
  /** Accuracy lost, in percentage points, with the interval of the paired differences; below 0 is a gain. */
  readonly loss: Interval
  /** Whether that is more than chance: the dense model is the first, the pruned one the second. */
  readonly mcnemar: McNemar
  /** Examples with the dense model's answer, in percent, right or wrong. */
  readonly agreement: number
  /** Largest difference of any logit. */
  readonly largestDifference: number
}

/** @throws TpError TP_OPTION if the two were not evaluated on the same examples */
export function compareToDense(pruned: Evaluation, dense: Evaluation, options?: BootstrapOptions): DenseComparison {
  const count = dense.predictions.length
  if (pruned.predictions.length !== count || pruned.logits.length !== dense.logits.length) {
    const counts = `${pruned.predictions.length} and ${count}`
    throw new TpError('TP_OPTION', 'eval', `evaluations of ${counts} examples cannot be compared; evaluate the same`)
  }
  const differences = dense.correct.map((right, i) => 100 * (Number(right) - Number(pruned.correct[i])))
  const agreeing = dense.predictions.filter((prediction, i) => prediction === pruned.predictions[i]).length
  let largestDifference = 0
  for (const [i, logit] of dense.logits.entries()) {
    largestDifference = Math.max(largestDifference, Math.abs(logit - (pruned.logits[i] as number)))
  }
  return {
    loss: bootstrapMean(differences, options),
    mcnemar: mcnemar(dense.correct, pruned.correct),
    agreement: (100 * agreeing) / count,
    largestDifference,
  }
}

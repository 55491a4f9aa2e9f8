import { isTpError } from '@tp/core'
import {
  agreementBound,
  answerOf,
  type CalibratedCascade,
  type CascadeCalibration,
  calibrateCascade,
  type Uncertainty,
  uncertaintyOf,
} from '@tp/guard'
import { accuracyLoss, type Interval } from '@tp/metrics'
import { type MeasuredAnswers, rightOf } from '../measure/answers.ts'
import { percent } from '../report/numbers.ts'
import type { Guarded, GuardedSet } from './guarded.ts'

/** The promise. */
export const promises = [
  { agreement: 0.99, confidence: 0.95 },
  { agreement: 0.97, confidence: 0.95 },
  { agreement: 0.99, confidence: 'mean' },
] as const

export type Promised = (typeof promises)[number]

/** A cascade on one data set. Shares in 0…1. */
export interface CascadeFigures {
  readonly set: string
  readonly promise: Promised
  readonly threshold: number | null
  readonly examples: number
  /** Of the pruned model alone, and of the cascade; `low`: at least that, with 95 % confidence. */
  readonly alone: number
  readonly agreement: { readonly estimate: number; readonly low: number }
  /** Share of the examples that fall back to the dense model. */
  readonly fallback: number
  /** FLOPs of the cascade over those of the dense model. */
  readonly cost: number
  /** Points of accuracy lost against dense, paired; where there are labels. */
  readonly lossAlone: Interval | undefined
  readonly loss: Interval | undefined
}

/** Undefined for a promise that so few examples cannot show. */
export function calibrated({ calibration }: Guarded, promise: Promised): CalibratedCascade | undefined {
  const { pruned, dense, prunedShare } = calibration
  return calibrateIfEnough({ pruned: pruned.logits, dense: dense.logits, ...promise, speedup: 1 / prunedShare })
}

/** Undefined where there are too few examples to promise anything, which an error reports. */
export function calibrateIfEnough(calibration: CascadeCalibration): CalibratedCascade | undefined {
  try {
    return calibrateCascade(calibration)
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_CALIBRATION') return undefined
    throw error
  }
}

/** How a threshold does on data that had no part in choosing it. */
export function cascadeOn(
  set: GuardedSet,
  promise: Promised,
  { threshold, uncertainty }: CalibratedCascade,
): CascadeFigures {
  const { dense, pruned, flops, targets, prunedShare } = set
  const [right, first] = [dense.logits.map(answerOf), pruned.logits.map(answerOf)]
  const fallback = uncertain(pruned.logits, threshold ?? Number.POSITIVE_INFINITY, uncertainty)
  const final = withFallback(first, right, fallback)
  const examples = right.length
  const others = (answers: readonly number[]): number => answers.filter((answer, i) => answer !== right[i]).length
  const total = flops.reduce((sum, count) => sum + count, 0)
  const loss = (answers: readonly number[]): Interval | undefined => {
    if (targets === undefined) return undefined
    const correct = answers.map((answer, i) => Number(answer === targets[i]))
    return accuracyLoss(rightOf(dense.logits, targets), correct)
  }
  return {
    set: set.name,
    promise,
    threshold,
    examples,
    alone: 1 - others(first) / examples,
    agreement: agreementBound(others(final), examples),
    fallback: fallback.filter(Boolean).length / examples,
    cost: prunedShare + flops.reduce((sum, count, i) => sum + (fallback[i] ? count : 0), 0) / total,
    lossAlone: loss(first),
    loss: loss(final),
  }
}

export function promiseText({ agreement, confidence }: Promised): string {
  return `${percent(agreement, 0)} ${confidence === 'mean' ? 'on average' : `at ${percent(confidence, 0)}`}`
}

/** Which answers are at least so uncertain. */
export function uncertain(
  logits: MeasuredAnswers['logits'],
  threshold: number,
  uncertainty: Uncertainty = 'probability',
): boolean[] {
  return logits.map((row) => uncertaintyOf(row, uncertainty) >= threshold)
}

/** A pruned model's answers, and the dense one's where it fell back to it. */
export function withFallback<T>(pruned: readonly T[], dense: readonly T[], fallback: readonly boolean[]): T[] {
  return pruned.map((own, i) => (fallback[i] ? (dense[i] as T) : own))
}

import { accuracyInterval, type Interval } from '@tp/eval/metrics'
import { behind } from '../measure/compare.ts'
import type { AccuracyValue } from './cell.ts'
import type { Setting } from './setting.ts'

/** How often each example is answered right, over seeds. */
export function shareRight(values: readonly AccuracyValue[]): number[] {
  const [first] = values as [AccuracyValue]
  return Array.from({ length: first.correct.length }, (_, i) => {
    return values.filter(({ correct }) => correct[i] === '1').length / values.length
  })
}

/** Points of accuracy behind a reference, paired by example. */
export function lossOf(values: readonly AccuracyValue[], reference: AccuracyValue): Interval {
  return behind(shareRight([reference]), shareRight(values))
}

/** Percent right, over seeds. */
export function accuracyOf(values: readonly AccuracyValue[]): Interval {
  return accuracyInterval(shareRight(values))
}

/** Percent of examples with the reference's answer, right or wrong. */
export function agreementOf(values: readonly AccuracyValue[], reference: AccuracyValue): number {
  const all = values.flatMap(({ answers }) => [...answers].map((answer, i) => answer === reference.answers[i]))
  return (100 * all.filter(Boolean).length) / all.length
}

/** A setting with what was measured on calibration data. */
export interface Candidate {
  readonly setting: Setting
  readonly loss: Interval
  readonly speedup: number
}

/** A loss is within what is allowed if the estimate is, and its interval ends below twice that. */
export function isWithin({ estimate, high }: Interval, points: number): boolean {
  return estimate <= points && high <= 2 * points
}

/** The fastest setting whose loss is within what is allowed. */
export function fastestWithin<C extends Candidate>(candidates: readonly C[], points: number): C | undefined {
  const allowed = candidates.filter(({ loss }) => isWithin(loss, points))
  return allowed.reduce<C | undefined>((best, one) => (best && best.speedup >= one.speedup ? best : one), undefined)
}

import { accuracyInterval, accuracyLoss, type Interval } from '@tp/eval/metrics'
import type { Setting } from '../registry/settings.ts'
import type { AccuracyCell, AccuracyValue } from './cell.ts'
import type { Results } from './results.ts'

/** How often each example is answered right, over seeds. */
export function shareRight(values: readonly AccuracyValue[]): number[] {
  const [first] = values as [AccuracyValue]
  return Array.from({ length: first.correct.length }, (_, i) => {
    return values.filter(({ correct }) => correct[i] === '1').length / values.length
  })
}

/** Points of accuracy below a reference, paired by example. */
export function lossOf(values: readonly AccuracyValue[], reference: readonly AccuracyValue[]): Interval {
  return accuracyLoss(shareRight(reference), shareRight(values))
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

/** A loss is within what is allowed if the estimate is, and its interval ends below twice that. */
export function isWithin({ estimate, high }: Interval, points: number): boolean {
  return estimate <= points && high <= 2 * points
}

/** The fastest setting whose loss is within what is allowed. */
export function fastestWithin<C extends { readonly loss: Interval; readonly speedup: number }>(
  candidates: readonly C[],
  points: number,
): C | undefined {
  const allowed = candidates.filter(({ loss }) => isWithin(loss, points))
  return allowed.reduce<C | undefined>((best, one) => (best && best.speedup >= one.speedup ? best : one), undefined)
}

/** Which layers are left out so far, and what has to be measured before the next one can be. */
export interface Shallow {
  readonly settings: readonly Setting[]
  readonly cells: readonly AccuracyCell[]
}

/**
 * Up to half of the layers are left out one after the other, each time the one that costs the fewest right answers on
 * calibration data, and of equals the one that changes the fewest.
 * @param cellOf what is measured of a setting
 */
export function shallowSettings(
  count: number,
  reference: AccuracyValue,
  cellOf: (setting: Setting) => AccuracyCell,
  results: Pick<Results, 'line' | 'value'>,
): Shallow {
  const settings: Setting[] = []
  let without: number[] = []
  while (settings.length < count / 2) {
    const tries = Array.from({ length: count }, (_, layer) => layer)
      .filter((layer) => !without.includes(layer))
      .map((layer) => [...without, layer].sort((a, b) => a - b))
    const cells = tries.map((tried) => cellOf({ kind: 'shallow', without: tried }))
    if (cells.some((cell) => results.line(cell) === undefined)) return { settings, cells }
    const tried = tries.flatMap((layers, i) => {
      const value = results.value(cells[i] as AccuracyCell)
      return value === undefined ? [] : [{ layers, ...value, agreement: agreementOf([value], reference) }]
    })
    const [best] = tried.sort((a, b) => b.accuracy - a.accuracy || b.agreement - a.agreement)
    if (best === undefined) break
    without = best.layers
    settings.push({ kind: 'shallow', without })
  }
  return { settings, cells: [] }
}

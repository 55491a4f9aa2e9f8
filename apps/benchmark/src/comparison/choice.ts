import type { Interval } from '@tp/metrics'
import { mean } from 'simple-statistics'
import type { MetricFigures } from '../registry/metrics.ts'
import type { Setting } from '../registry/settings.ts'
import type { AccuracyCell, AccuracyValue } from './cell.ts'
import type { Results } from './results.ts'

/** The worth of answers next to those of the untouched model. */
export function figuresOf(value: AccuracyValue, reference: AccuracyValue): MetricFigures {
  return {
    accuracy: { got: [...value.correct].map(Number), share: true },
    agreement: { got: [...value.answers].map((answer, i) => Number(answer === reference.answers[i])), share: true },
  }
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
      if (value === undefined) return []
      const agreement = mean([...(figuresOf(value, reference).agreement?.got ?? [])])
      return [{ layers, accuracy: value.accuracy, agreement }]
    })
    const [best] = tried.sort((a, b) => b.accuracy - a.accuracy || b.agreement - a.agreement)
    if (best === undefined) break
    without = best.layers
    settings.push({ kind: 'shallow', without })
  }
  return { settings, cells: [] }
}

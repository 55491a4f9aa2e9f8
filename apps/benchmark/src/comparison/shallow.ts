import type { AccuracyCell, AccuracyValue } from './cell.ts'
import { agreementOf } from './choice.ts'
import type { Results } from './results.ts'
import type { Setting } from './setting.ts'

/** What is left out so far, and what has to be measured before the next layer can be. */
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
  layerCount: number,
  reference: AccuracyValue,
  cellOf: (setting: Setting) => AccuracyCell,
  results: Pick<Results, 'line' | 'value'>,
): Shallow {
  const settings: Setting[] = []
  let without: number[] = []
  while (settings.length < layerCount / 2) {
    const tries = Array.from({ length: layerCount }, (_, layer) => layer)
      .filter((layer) => !without.includes(layer))
      .map((layer) => [...without, layer].sort((a, b) => a - b))
    const cells = tries.map((tried) => cellOf({ kind: 'shallow', without: tried }))
    if (cells.some((cell) => results.line(cell) === undefined)) return { settings, cells }
    const tried = tries.flatMap((layers, i) => {
      const value = results.value(cells[i] as AccuracyCell)
      if (value === undefined) return []
      return [{ layers, accuracy: value.accuracy, agreement: agreementOf([value], reference) }]
    })
    const [best] = tried.sort((a, b) => b.accuracy - a.accuracy || b.agreement - a.agreement)
    if (best === undefined) break
    without = best.layers
    settings.push({ kind: 'shallow', without })
  }
  return { settings, cells: [] }
}

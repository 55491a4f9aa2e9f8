import type { Budget, Line } from '../measure/compare.ts'
import { factor, plusMinus, points } from './numbers.ts'
import type { Table } from './table.ts'

/** Lines of a comparison, one a row. */
export function linesTable(lines: readonly Line[]): Table {
  return {
    headings: ['method', 'keep', 'kept', 'accuracy', 'loss', 'p50 ms', 'speed-up', 'FLOPs', 'agrees with dense'],
    rows: lines.map((line) => [
      nameOf(line),
      keepText(line.keep),
      line.kept.toFixed(2),
      plusMinus(line.accuracy),
      line.method === 'dense' ? '' : points(line.loss),
      line.p50Ms.toFixed(2),
      factor(line.speedup.value),
      factor(line.flops),
      `${line.agreement.toFixed(1)} %`,
    ]),
  }
}

/** `0.3 in each of layers 1 to 5` */
export function budgetText({ keep, layers }: Budget): string {
  if (layers.length === 1) return `keep ${keepText(keep)} once, in layer ${layers[0]}`
  const consecutive = layers.every((layer, i) => layer === (layers[0] as number) + i)
  const named = consecutive && layers.length > 2 ? `${layers[0]} to ${layers.at(-1)}` : layers.join(', ')
  return `keep ${keepText(keep)} in each of layers ${named}`
}

function keepText(keep: Budget['keep']): string {
  return typeof keep === 'number' ? `${keep}` : keep.join(', ')
}

function nameOf({ method, seeds, note }: Line): string {
  const remarks = [...(seeds.length > 1 ? [`${seeds.length} seeds`] : []), ...(note === undefined ? [] : [note])]
  return remarks.length === 0 ? method : `${method} (${remarks.join(', ')})`
}

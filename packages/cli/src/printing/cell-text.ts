import { type Comparison, points, type TableCell } from '@tp/compare'
import { interval, percentage } from './numbers.ts'

/** A number of a comparison as a table shows it; empty where there is none. */
export function cellText(cell: TableCell | undefined): string {
  if (cell === undefined) return ''
  if ('interval' in cell) return interval(cell.interval)
  if ('points' in cell) return points(cell.points)
  if ('percent' in cell) return `${cell.percent.toFixed(cell.digits ?? 1)} %`
  return 'number' in cell ? cell.number.toFixed(cell.digits) : pValue(cell.p)
}

/** `0.021`; below a thousandth the number says no more. */
export function pValue(p: number | undefined): string {
  if (p === undefined) return '–'
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

/** The comparison in words: how much, and how the examples were put together. */
export function comparisonText({ difference, arrangements: compared, unpadded, quantized }: Comparison): string {
  const most = difference < 1e-6 ? 'less than 1e-6' : `at most ${difference.toExponential(1)}`
  const seen = `by ${most} (${compared.join(', ')}${unpadded ? '; not padded, where the source itself answers otherwise' : ''})`
  if (quantized === undefined) return seen
  const { distance, own } = quantized
  const self = own === undefined ? '' : `; the source's own differ by ${percentage(own)} alone and in a batch`
  return `${seen}, ${percentage(distance)} of their size (rounding in 8 bits${self})`
}

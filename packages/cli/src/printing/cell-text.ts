import { points, type TableCell } from '@tp/compare'
import { interval } from './numbers.ts'

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

import { TpError } from '@tp/core'

/** An error in data, with its location. */
export function dataError(where: string, problem: string, cause?: unknown): TpError {
  return new TpError('TP_DATA', 'data', `${where}: ${problem}`, cause === undefined ? {} : { cause })
}

/** A cell for a message: in quotes, short, on one line, without control characters. */
export function shown(cell: string): string {
  const text = cell.slice(0, 41).replace(/\p{Cc}/gu, ' ')
  return `"${cell.length > 40 ? `${text.slice(0, 40)}…` : text}"`
}

/** Cells for a message. */
export function listed(cells: readonly string[]): string {
  const all = cells.slice(0, 12).map(shown).join(', ')
  return cells.length > 12 ? `${all}, … (${cells.length} in all)` : all
}

/** The number in a cell; undefined where it is empty or missing, or holds something else. */
export function numberIn(cell: string | undefined): number | undefined {
  const value = cell === undefined || cell.trim() === '' ? Number.NaN : Number(cell)
  return Number.isFinite(value) ? value : undefined
}

/** Whether every case is run, and not a selection (`npm test -- exhaustive`). */
const isExhaustive = Boolean(process.env.TP_EXHAUSTIVE)

/**
 * Of the cases of a product some for each of its rows, others from row to row, so that an ordinary run has every case on some rows
 * and every row with some cases; all of them in an exhaustive run.
 * @param row number of the row, from 0
 * @param many cases of a row
 */
export function inTurn<T>(cases: readonly T[], row: number, many: number): T[] {
  if (isExhaustive || many >= cases.length) return [...cases]
  return Array.from({ length: many }, (_, i) => cases[(row * many + i) % cases.length] as T)
}

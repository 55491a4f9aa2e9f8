/** Whether every case is run, and not a selection (`npm test -- exhaustive`). */
const isExhaustive = Boolean(process.env.TP_EXHAUSTIVE)

/**
 * Selects cases for one row of a product. Other rows get other cases, so that an ordinary run has every case in some rows and
 * every row with some cases. An exhaustive run has all of them.
 * @param row number of the row, from 0
 * @param many number of cases for a row
 */
export function inTurn<T>(cases: readonly T[], row: number, many: number): T[] {
  if (isExhaustive || many >= cases.length) return [...cases]
  return Array.from({ length: many }, (_, i) => cases[(row * many + i) % cases.length] as T)
}

/** How many cases an ordinary run tries, or, the second, an exhaustive one. */
export function thorough(ordinary: number, exhaustive: number): number {
  return isExhaustive ? exhaustive : ordinary
}

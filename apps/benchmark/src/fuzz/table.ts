import type { Table } from '../output/table.ts'
import type { Verdict } from './examiner.ts'

/** How many mutants ended how, and the longest time of each. */
export function fuzzTable(verdicts: readonly Verdict[]): Table {
  const outcomes = [...new Set(verdicts.map(({ outcome }) => outcome))]
  const counted = outcomes.map((outcome) => {
    const list = verdicts.filter((verdict) => verdict.outcome === outcome)
    const slowest = Math.max(0, ...list.map(({ seconds = 0 }) => seconds))
    return { outcome, count: list.length, slowest, isBug: list.some(({ bug }) => bug !== undefined) }
  })
  counted.sort((a, b) => b.count - a.count)
  return {
    headings: ['outcome', 'files', 'slowest', ''],
    rows: counted.map(({ outcome, count, slowest, isBug }) => [
      outcome,
      `${count}`,
      `${slowest.toFixed(2)} s`,
      isBug ? 'WRONG' : '',
    ]),
  }
}

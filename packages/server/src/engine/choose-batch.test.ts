import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BatchBudget, chooseBatch } from './choose-batch.ts'

const waiting = fc.array(
  fc.record({ tokens: fc.integer({ min: 1, max: 512 }), key: fc.constantFrom('', '', '', 'other') }),
  { minLength: 1, maxLength: 60 },
)
const budgets = fc.record({
  tokens: fc.integer({ min: 1, max: 3000 }),
  packed: fc.boolean(),
  inOrder: fc.boolean(),
  rows: fc.constantFrom(1, 8, Number.POSITIVE_INFINITY),
})

const costOf = (batch: readonly { tokens: number }[], { packed }: BatchBudget): number => {
  const tokens = batch.map((row) => row.tokens)
  return packed ? tokens.reduce((sum, each) => sum + each, 0) : Math.max(...tokens) * tokens.length
}

describe('a batch', () => {
  test('has what is due first, rows that can be run with it, and no more than the budget unless it is alone', () => {
    fc.assert(
      fc.property(waiting, budgets, (rows, budget) => {
        const batch = chooseBatch(rows, budget)
        expect(batch).toContain(rows[0])
        expect(new Set(batch).size).toBe(batch.length)
        expect(batch.every((row) => row.key === rows[0]?.key && rows.includes(row))).toBe(true)
        expect(batch.length).toBeLessThanOrEqual(budget.rows)
        if (batch.length > 1) expect(costOf(batch, budget)).toBeLessThanOrEqual(budget.tokens)
      }),
      { numRuns: 500 },
    )
  })

  test('a batch is padded little, unless the order is to be kept', () => {
    fc.assert(
      fc.property(waiting, fc.integer({ min: 1, max: 5000 }), (rows, tokens) => {
        const batch = chooseBatch(rows, { tokens, packed: false, inOrder: false, rows: Number.POSITIVE_INFINITY })
        const real = batch.reduce((sum, row) => sum + row.tokens, 0)
        expect(real / costOf(batch, { tokens, packed: false, inOrder: false, rows: 1 })).toBeGreaterThanOrEqual(0.85)
      }),
    )
  })

  test('takes the rows that are due next where padding costs nothing', () => {
    const rows = [500, 3, 200, 400].map((tokens) => ({ tokens, key: '' }))
    expect(chooseBatch(rows, { tokens: 703, packed: true, inOrder: false, rows: 9 })).toEqual(rows.slice(0, 3))
    expect(chooseBatch(rows, { tokens: 1000, packed: false, inOrder: true, rows: 9 })).toEqual(rows.slice(0, 2))
  })

  test('makes an empty batch where nothing waits', () => {
    expect(chooseBatch([], { tokens: 10, packed: true, inOrder: false, rows: 9 })).toEqual([])
  })
})

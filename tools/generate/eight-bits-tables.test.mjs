import { expect, test } from 'vitest'
import { sameBitsTable } from './eight-bits-tables.mjs'

test('compares the bits and losses of both forms of 8 bits, with VNNI', () => {
  const interval = { estimate: 0.25, low: -0.1, high: 0.5 }
  /** @type {any[]} */
  const rows = [
    { model: 'bert', form: 'token', same: { 'padded right': [200, 200, 0] }, metric: 'accuracy', loss: interval },
    { model: 'bert', form: 'dynamic', same: { 'padded right': [0, 200, 0.5] }, metric: 'accuracy' },
    { model: 'other', form: 'token', metric: 'accuracy', withoutVnni: true },
  ]
  const table = sameBitsTable(rows)
  expect(table).toContain('| bert | 200 of 200 | 0 of 200 | 0.3 (−0.1 … 0.5) | – | accuracy |')
  expect(table).not.toContain('other')
})

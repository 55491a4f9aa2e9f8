import { expect, test } from 'vitest'
import { eightBitTimesTable, sameBitsTable } from './eight-bits-tables.mjs'

const common = { model: 'bert', date: '2026-11-30', commit: 'abc', machine: 'a machine' }
/** @type {any[]} */
const rows = [
  {
    ...{ ...common, form: 'published', setting: 'float32', metric: 'accuracy' },
    ...{
      quality: { estimate: 90, low: 88, high: 92 },
      same: { 'padded right': [200, 200, 0] },
      speed: { '1×16': [1, 1, 1] },
    },
  },
  {
    ...{
      ...common,
      form: 'dynamic',
      setting: 'dynamic',
      metric: 'accuracy',
      loss: { estimate: -0.04, low: -0.2, high: 0.3 },
    },
    ...{ same: { 'padded right': [3, 200, 0.5104] }, speed: { '1×16': [2.177, 2, 2.3] } },
  },
]

test('says of how many examples the bits are the same, and by how much others differ', () => {
  const [, , published = '', dynamic = ''] = sameBitsTable(rows).split('\n')
  expect(published).toContain('**200 of 200**')
  expect(published).toContain('accuracy 90.0 (88.0 … 92.0)')
  expect(dynamic).toContain('3 of 200, by up to 0.51')
  expect(dynamic).toContain('0.0 (−0.2 … 0.3) of accuracy')
})

test('shows times of all but the published file, with the date', () => {
  const table = eightBitTimesTable(rows)
  expect(table).toContain('1×16 2.18')
  expect(table).not.toContain('float32')
  expect(table).toContain('Last measured 2026-11-30, a machine.')
})

test('says what to run where nothing has been measured', () => {
  expect(sameBitsTable([])).toContain('npm run benchmark -- eight-bits')
})

import { expect, test } from 'vitest'
import { measuredTable } from './measured-table.mjs'

const about = {
  ...{ subject: 'mail', title: 'mail: spam', examples: '1,257 mails', allowed: 1, date: '2026-01-02' },
  ...{ machine: 'a machine', versions: 'v1', quick: false },
}
const chosen = {
  name: 'received-attention',
  setting: 'keep 0.3 once, in layer 0',
  loss: { estimate: 0.12, low: -0.04, high: 0.6 },
  flops: 3.111,
  speedup: { value: 2.5, low: 2.4, high: 2.61 },
}

test('has one row per configuration, names the task once, and says where none was chosen', () => {
  const lines = [
    { ...about, way: 'pruning', chosen },
    { ...about, way: 'int8' },
    { ...about, subject: 'digits', title: 'digits', way: 'pruning', chosen },
  ]
  const rows = measuredTable(lines).split('\n')
  expect(rows[0]).toContain('2026-01-02, a machine, v1. For each way')
  expect(rows.slice(4)).toEqual([
    '| mail: spam; 1,257 mails | pruning | received-attention, keep 0.3 once, in layer 0 | 0.1 (0.0 … 0.6) | 2.50× (2.40 … 2.61) | 3.11× |',
    '|  | int8 | none of its settings |  |  |  |',
    '| digits; 1,257 mails | pruning | received-attention, keep 0.3 once, in layer 0 | 0.1 (0.0 … 0.6) | 2.50× (2.40 … 2.61) | 3.11× |',
  ])
})

test('marks a quick run, and invents nothing where nothing was published', () => {
  expect(measuredTable([{ ...about, quick: true, way: 'int8' }])).toContain('a quick run')
  expect(measuredTable([])).toContain('Nothing has been published yet')
})

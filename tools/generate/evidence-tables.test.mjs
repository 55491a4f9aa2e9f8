import { expect, test } from 'vitest'
import {
  answerSentence,
  expectTable,
  judgments,
  machinesText,
  resultsTable,
  withoutVnniTable,
} from './evidence-tables.mjs'

const dense = {
  ...{
    case: 'bertxSUITE',
    task: 'classifier of long texts',
    kind: 'dense',
    setting: 'as published',
    metric: 'accuracy',
  },
  speed: { 1: [1, 1, 1], 8: [1, 1, 1], 32: [1, 1, 1], '32 sorted': [1, 1, 1] },
  ...{ date: '2026-11-30', machine: 'a machine', versions: 'onnxruntime-node 1.30.0, Node 20.20.2' },
}
/** @param {string} kind @param {string} setting @param {number} loss @param {number} one @param {number} large @param {number} sorted */
function row(kind, setting, loss, one, large, sorted) {
  const interval = { estimate: loss, low: loss - 0.25, high: loss + 0.5 }
  const speed = { 1: [one, 0, 9], 8: [large, 0, 9], 32: [large, 0, 9], '32 sorted': [sorted, 0, 9] }
  return { ...dense, kind, setting, loss: interval, speed }
}
/** @type {any[]} */
const rows = [
  dense,
  row('optimized', 'tp optimize: tome 0.7 in layers 2, 4, 8 bits, packed', 0.25, 2, 5, 3),
  row('rival', 'too much lost', 3, 2, 9, 9),
  row('rival', 'near', 0.5, 1, 2.5, 4),
  row('rival', 'fast one by one', 0.5, 4, 1.5, 1),
]

test('shows the plan next to the fastest rival of about the same loss', () => {
  expect(resultsTable(rows)).toContain(
    '| classifier of long texts (bert, SUITE) | tome 0.7 in layers 2 and 4, 8 bits, packed | – | 2.0×, 5.0×, 3.0× | 0.3 (0.0 … 0.8) of accuracy | near: 1.0×, 2.5×, 4.0×; 0.5 (0.3 … 1.0) |',
  )
})

test('shows the speeds in any onnxruntime as soon as they are measured', () => {
  const [first, plan, ...others] = rows
  const measured = [first, { ...plan, speedPlain: { 1: [1.5, 1, 2], 8: [2, 1, 3], 32: [2.5, 2, 3] } }, ...others]
  expect(expectTable(measured, ['bertxSUITE'])).toContain('| 1.5×, 2.5× | 2.0×, 5.0× | 3.0× |')
  expect(expectTable(measured, ['other'])).not.toContain('bert')
})

test('compares each kind of batch with the alternative that is fastest there', () => {
  expect(judgments(rows)).toContain(
    '`tp optimize`: 2.0× the best alternative in batches of 32, 0.8× sorted, 0.5× one by one.',
  )
})

test('counts the published file as an alternative', () => {
  expect(judgments([...rows.slice(0, 2), row('rival', 'slow', 0, 0.5, 0.5, 0.5)])).toContain(
    '5.0× the best alternative',
  )
})

test('says if no rival was measured, or none is faster', () => {
  expect(resultsTable(rows.slice(0, 2))).toContain('| not measured |')
  expect(judgments(rows.slice(0, 2))).toContain('the published file (no rival was measured)')
  expect(resultsTable([...rows.slice(0, 2), row('rival', 'slow', 0, 1, 1.04, 1)])).toContain('| none is faster |')
})

test('advises the published file if packing alone loses too much', () => {
  const own = [dense, row('packed', 'packed', 4, 1, 2, 1)]
  expect(resultsTable(/** @type {any} */ (own))).toContain('| as published | 1× | 1× | 0 of accuracy |')
  expect(judgments(/** @type {any} */ (own))).toContain(
    'Use the file as published: packed, it loses 4.0 (3.8 … 4.5) points.',
  )
})

test('shows batches of 8 if an outlier makes the batch of 32', () => {
  const [first, plan] = rows
  const own = [first, { ...plan, speed: { ...plan.speed, 8: [2, 1, 3] } }]
  expect(resultsTable(own)).toContain('| 2.0×, 5.0× (of 8: 2.0×), 3.0× |')
  expect(answerSentence(own)).toContain('2.0 to 2.0 times in batches of 8')
})

test('shows a case without VNNI once: in its own table if the main one has the case', () => {
  const without = rows.map((each) => ({ ...each, withoutVnni: true }))
  expect(resultsTable(without)).toContain('(bert, SUITE, without VNNI)')
  expect(withoutVnniTable(without)).not.toContain('bert')
  expect(withoutVnniTable([...rows, ...without])).toContain('| bert, SUITE | tome 0.7')
})

test('names machines, dates and versions', () => {
  expect(machinesText(rows)).toBe(
    '- a machine, with VNNI, 2026-11-30 to 2026-11-30: onnxruntime-node 1.30.0, Node 20.20.2.',
  )
})

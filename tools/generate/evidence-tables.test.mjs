import { expect, test } from 'vitest'
import { answersList, expectTable, outsideTables, rerankersTable, withoutVnniTable } from './evidence-tables.mjs'

const dense = {
  ...{
    case: 'bertxSUITE',
    task: 'classifier of long texts',
    kind: 'dense',
    setting: 'as published',
    n: 1200,
    of: 'texts',
  },
  ...{ metric: 'accuracy', quality: { estimate: 90, low: 88, high: 92 }, speed: { 1: [1, 1, 1], 32: [1, 1, 1] } },
  ...{ bytes: 9e7, date: '2026-11-30', commit: 'abc', machine: 'a machine', versions: 'v1', command: 'npm run …' },
}
/** @param {string} kind @param {string} setting @param {number} loss @param {number} speed */
function row(kind, setting, loss, speed) {
  const interval = { estimate: loss, low: loss - 0.25, high: loss + 0.5 }
  return { ...dense, kind, setting, loss: interval, speed: { 1: [2, 1.9, 2.1], 32: [speed, speed - 0.5, speed + 0.5] } }
}
/** @type {any[]} */
const rows = [
  dense,
  { ...row('optimized', 'tp optimize: 8 bits, packed', 0.25, 5), command: 'tp optimize model.onnx --data choosing' },
  row('rival', 'a fast one', 3, 9),
  row('rival', 'a near one', 0.5, 2.5),
  row('rival', 'a slow one', 0, 1.5),
]

test('shows what was chosen next to the fastest rival of about the same loss', () => {
  const table = expectTable(rows, 'results/outside.md')
  expect(table).toContain(
    '| [classifier of long texts](results/outside.md#bert-on-suite) (bert, SUITE) | 8 bits, packed | 2.0×, 5.0× | 0.3 (0.0 … 0.8) of accuracy |',
  )
  expect(table).toContain('a near one: 2.0×, 2.5×; 0.5 (0.3 … 1.0)')
  expect(table).not.toContain('a fast one')
})

test('names the processor of rows that were measured without VNNI', () => {
  const table = withoutVnniTable(rows.map((each) => ({ ...each, withoutVnni: true })))
  expect(table).toContain('| [classifier of long texts](#bert-on-suite) (bert, SUITE) | 8 bits, packed |')
  expect(table).toContain('a machine, without VNNI, v1.*')
})

test('says of each case that it was measured without VNNI', () => {
  const without = rows.map((each) => ({ ...each, withoutVnni: true }))
  expect(answersList(without)).toContain('(bert, SUITE, without VNNI): use **8 bits, packed**')
  expect(outsideTables(without)).toContain(': a machine, without VNNI, v1, at abc.')
})

test('says first what to use, and how fast that is over the rival', () => {
  expect(answersList(rows)).toContain(
    'use **8 bits, packed**, the choice of `tp optimize`. It is 2.0 times as fast one by one and 5.0 times in batches of 32, and loses 0.3',
  )
  expect(answersList(rows)).toContain(
    'In batches of 32 it is **2.0 times as fast** as the best rival that loses about as little (a near one: 0.5 (0.3 … 1.0)); one by one **1.0 times as fast** (a near one',
  )
})

test('advises the packed file where no command chooses', () => {
  /** @type {any[]} */
  const own = [dense, row('packed', 'packed', 0, 2), row('training-free', 'tome', 0, 3)]
  const text = answersList(own)
  expect(text).toContain(
    'use **packed**, which needs no choice. It is 2.0 times as fast one by one and 2.0 times in batches of 32',
  )
})

test('compares what classes are expected to cost, where that is known', () => {
  const interval = { estimate: 0.2, low: 0.1, high: 0.4 }
  /** @type {any[]} */
  const own = rows.map((each) => (each.loss === undefined ? each : { ...each, expectedLoss: interval }))
  expect(expectTable(own, 'page.md')).toContain('a fast one: 2.0×, 9.0×; 3.0 (2.8 … 3.5)')
})

test('advises the published file where the packed one loses more than anybody minds', () => {
  /** @type {any[]} */
  const own = [dense, row('packed', 'packed', 4, 2), row('rival', 'a fast one', 0, 4)]
  const text = answersList(own)
  expect(text).toContain(
    'use the file **as published**. The setting *packed* makes it 2.0 times as fast one by one and 2.0 times in batches of 32',
  )
  expect(text).toContain('but loses 4.0 (3.8 … 4.5) points of accuracy')
  expect(text).toContain('In batches of 32 the published file is **0.3 times as fast** as the best rival')
})

test('shows only the cases that a page is about', () => {
  expect(expectTable(rows, 'page.md', { cases: ['bertxSUITE'] })).toContain('bert, SUITE')
  expect(expectTable(rows, 'page.md', { cases: ['otherxSUITE'] })).not.toContain('bert, SUITE')
})

test('shows times on two threads where a row has some', () => {
  const [, own] = rows
  const table = outsideTables([dense, { ...own, twoThreads: { 1: [1.5, 1.4, 1.6] } }])
  expect(table).toContain('| two threads, × at 1 |')
  expect(table).toContain('| 1.50 (1.40 … 1.60) |')
  expect(outsideTables(rows)).not.toContain('two threads')
})

test('names no rival that is slower than the published file, and says where none was measured', () => {
  const slow = [dense, rows[1], row('rival', 'slower', 0, 0.3)]
  expect(expectTable(slow, 'results/outside.md')).toContain('| none is faster |')
  expect(expectTable(slow.slice(0, 2), 'results/outside.md')).toContain('| not measured |')
  expect(answersList(slow.slice(0, 2))).toContain('Rivals have not been measured.')
})

test.each([
  ['tome 0.5 in layers 6, 5 seeds', 'tome 0.5 in layer 6, 5 seeds'],
  ['tome 0.5 in layers 6, 8 bits', 'tome 0.5 in layer 6, 8 bits'],
  ['tome 0.7 in layers 4, 8, 8 bits', 'tome 0.7 in layers 4 and 8, 8 bits'],
  ['tome 0.7 in layers 2, 4', 'tome 0.7 in layers 2 and 4'],
  ['sdtp 0.8 in layers 10–14, without layers 1, 3, 11', 'sdtp 0.8 in layers 10–14, without layers 1, 3 and 11'],
  ['without layer 10, packed', 'without layer 10, packed'],
])('writes the layers of %s as a reader does', (setting, text) => {
  /** @type {any[]} */
  const own = [dense, row('training-free', setting, 0.5, 2)]
  expect(outsideTables(own)).toContain(`| ${text} | 90.0 |`)
})

test('names the size of batches where it is not the one of the heading', () => {
  const images = rows.map((each) => ({ ...each, speed: { 1: [1, 1, 1], 8: [3, 3, 3] } }))
  expect(expectTable(images, 'page.md')).toContain('| 1.0×, 3.0× in batches of 8 |')
})

test('lists every row of a case with its source', () => {
  const text = outsideTables(rows)
  expect(text.split('\n').filter((line) => /one |packed/.test(line))).toHaveLength(4)
  expect(text).toContain('## bert on SUITE\n\nClassifier of long texts; 1,200 texts that no choice has seen.')
  expect(text).toContain('`npm run benchmark -- outside --only bertxSUITE`: a machine, v1, at abc.')
})

test('shows rankings alone for rerankers, and says where nothing was measured', () => {
  expect(rerankersTable(rows)).toBe('Nothing has been measured yet.')
  const near = { mrr: { estimate: 80, low: 70, high: 90 }, mrrLoss: { estimate: -0.5, low: -1, high: 0 } }
  const ranking = { ...near, rankCorrelation: { estimate: 0.981 }, top10: { estimate: 0.93 } }
  const table = rerankersTable([/** @type {never} */ ({ ...row('packed', 'packed', 0.5, 4), ranking })])
  expect(table).toContain(
    '| SUITE | packed | 90.0 | 0.5 (0.3 … 1.0) | 80.0 | −0.5 (−1.0 … 0.0) | 0.981 | 93 % | 4.00 (3.50 … 4.50) |',
  )
})

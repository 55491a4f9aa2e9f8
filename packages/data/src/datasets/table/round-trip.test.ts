import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exampleColumns } from './columns.ts'
import { parseCsv, parseTsv } from './delimited.ts'
import { parseJsonLines } from './json-lines.ts'
import type { DataTable } from './table.ts'

/** Texts with whatever tables are made of. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '"', "'", ',', ';', '\t', '\n', '{', '\\', 'é') })
const rows = fc.array(fc.tuple(fc.constantFrom('0', '1'), text), { minLength: 1, maxLength: 20 })
/** Where text and label stand among three columns. */
const order = fc.constantFrom(
  ['label', 'text', 'id'],
  ['id', 'label', 'text'],
  ['text', 'id', 'label'],
  ['id', 'text', 'label'],
)

const cells = (names: readonly string[], label: string, own: string, id: number): string[] =>
  names.map((name) => (name === 'label' ? label : name === 'text' ? own : `${id}`))

function examples(table: DataTable): (string | undefined)[][] {
  const { rows, label, text } = exampleColumns(table, {})
  return rows.map((row) => [row.cells[label], row.cells[text]])
}

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`

test('reads back what it writes as CSV, whatever the texts hold and wherever the columns are', () => {
  fc.assert(
    fc.property(rows, order, fc.constantFrom(',', ';', '\t'), fc.constantFrom('\n', '\r\n'), (rows, names, by, end) => {
      const lines = [names, ...rows.map(([label, own], i) => cells(names, label, own, i))]
      const content = lines.map((line) => line.map(quoted).join(by)).join(end)
      expect(examples(parseCsv('t.csv', content))).toEqual(rows)
    }),
    { numRuns: 100 },
  )
})

test('reads back what it writes as JSON lines', () => {
  fc.assert(
    fc.property(rows, order, (rows, names) => {
      const lines = rows.map(([label, own], i) => cells(names, label, own, i))
      const content = lines.map((line) => JSON.stringify(Object.fromEntries(names.map((name, i) => [name, line[i]]))))
      expect(examples(parseJsonLines('t.jsonl', content.join('\n')))).toEqual(rows)
    }),
    { numRuns: 100 },
  )
})

test('reads back tab-separated texts without tabs and line ends', () => {
  fc.assert(
    fc.property(rows, order, (rows, names) => {
      const plain = rows.map(([label, own]): [string, string] => [label, own.replace(/[\t\n]/g, ' ')])
      const lines = [names, ...plain.map(([label, own], i) => cells(names, label, own, i))]
      expect(examples(parseTsv('t.tsv', lines.map((line) => line.join('\t')).join('\n')))).toEqual(plain)
    }),
    { numRuns: 100 },
  )
})

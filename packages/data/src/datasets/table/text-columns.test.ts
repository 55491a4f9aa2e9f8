import { describe, expect, test } from 'vitest'
import { findTextColumns } from './text-columns.ts'

describe('texts of a table are found in its first rows', () => {
  test.each([
    ['csv', 'id;text\n1;"a, b"\n', { header: true, names: ['id', 'text'], text: 1, separator: ';' }],
    ['csv', 'one text\n', { header: false, names: ['one text'], text: 0, separator: ',' }],
    ['tsv', 'sentence\tlabel\ngood\t1\n', { header: true, names: ['sentence', 'label'], text: 0, separator: '\t' }],
    ['tsv', '1\ttwo words\n0\tof text\n', { header: false, names: ['1', 'two words'], text: 1, separator: '\t' }],
    ['jsonl', '{"id":1,"review":"a"}\n', { header: false, names: ['id', 'review'], text: 1 }],
  ] as const)('%s: %j', (format, text, expected) => {
    expect(findTextColumns('t', { format, text })).toEqual(expected)
  })

  test('formats that name their columns by other means', () => {
    const head = { names: ['label', 'text'], cells: [['1', 'a']] }
    expect(findTextColumns('t', head)).toEqual({ header: false, names: ['label', 'text'], text: 1 })
  })
})

describe('pairs', () => {
  const head = { format: 'csv', text: 'question,answer\na,b\n' } as const

  test('finds pairs where the model takes them, or an option names the second column', () => {
    expect(findTextColumns('t', head, { pairs: true })).toMatchObject({ text: 0, pair: 1 })
    expect(findTextColumns('t', head, { textColumn: 'answer', pairColumn: '1' })).toMatchObject({ text: 1, pair: 0 })
  })

  test('refuses missing pairs', () => {
    const single = { format: 'csv', text: 'id,text\n1,b\n' } as const
    expect(() => findTextColumns('t', single, { pairs: true })).toThrow(/takes pairs of texts/)
  })
})

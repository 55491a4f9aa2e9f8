import { expect, test } from 'vitest'
import { markdownTable, plainTable } from './table.ts'

const table = {
  headings: ['method', 'kept'],
  rows: [
    ['none', '1.00'],
    ['cls-attention', '0.3'],
  ],
}

test('aligns names left and numbers right in a plain table', () => {
  expect(plainTable(table)).toBe('method          kept\nnone            1.00\ncls-attention    0.3')
})

test('aligns a Markdown table by its rule', () => {
  expect(markdownTable(table)).toBe('| method | kept |\n| --- | --: |\n| none | 1.00 |\n| cls-attention | 0.3 |')
})

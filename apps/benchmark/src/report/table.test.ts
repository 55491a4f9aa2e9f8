import { expect, test } from 'vitest'
import { markdownTable, plainTable } from './table.ts'

const table = {
  headings: ['method', 'kept'],
  rows: [
    ['none', '1.00'],
    ['cls-attention', '0.3'],
  ],
}

test('a plain table aligns names left and numbers right', () => {
  expect(plainTable(table)).toBe('method          kept\nnone            1.00\ncls-attention    0.3')
})

test('a Markdown table has a rule that aligns it so', () => {
  expect(markdownTable(table)).toBe('| method | kept |\n| --- | --: |\n| none | 1.00 |\n| cls-attention | 0.3 |')
})

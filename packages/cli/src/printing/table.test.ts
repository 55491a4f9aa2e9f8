import { expect, test } from 'vitest'
import { table } from './table.ts'

const headings = ['method', 'keep', 'accuracy', 'speed-up']
const rows = [
  ['none', '', '98.1', '1.00×'],
  ['tome', '0.9', '98.0', '1.20×'],
]

test('aligns names to the left and numbers to the right', () => {
  expect(table(headings, rows, ['method'])).toBe(
    ['method  keep  accuracy  speed-up', 'none              98.1     1.00×', 'tome     0.9      98.0     1.20×'].join(
      '\n',
    ),
  )
})

test('divides a table that is wider than the terminal, and repeats what says which row it is', () => {
  expect(table(headings, rows, ['method'], { keys: 2, columns: 24 })).toBe(
    [
      'method  keep  accuracy',
      'none              98.1',
      'tome     0.9      98.0',
      '',
      'method  keep  speed-up',
      'none             1.00×',
      'tome     0.9     1.20×',
    ].join('\n'),
  )
})

import { expect, test } from 'vitest'
import { patchGrid } from './patch-grid.ts'

test.each<[string, number[], number, ReturnType<typeof patchGrid>]>([
  ['a class token first', [1, 3, 224, 224], 197, { before: 1, rows: 14, columns: 14 }],
  ['nothing first', [1, 3, 224, 224], 196, { before: 0, rows: 14, columns: 14 }],
  ['a class token and four registers', [1, 3, 224, 224], 261, { before: 5, rows: 16, columns: 16 }],
  ['an image that is wider than it is high', [1, 3, 32, 64], 9, { before: 1, rows: 2, columns: 4 }],
  ['without a grid', [1, 3, 32, 64], 31, undefined],
  ['of text', [1, 12], 12, undefined],
])('finds patches: %s', (_, dims, tokens, grid) => {
  expect(patchGrid(dims, tokens)).toEqual(grid)
})

import { expect, test } from 'vitest'
import { bm25 } from './bm25.ts'

const find = bm25(['a cat sat', 'a dog sat on a mat', 'a cat and a cat', 'nothing else'])

test('finds documents by rare words first, and none that share no word', () => {
  expect(find('the dog', 3)).toEqual([1])
  expect(find('cat sat', 9)).toEqual([0, 2, 1])
})

test('returns no more documents than the limit', () => {
  expect(find('a', 2)).toHaveLength(2)
})

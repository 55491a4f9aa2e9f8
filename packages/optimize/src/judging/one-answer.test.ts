import { type ModelInputs, UNLABELED } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import type { Answers } from './answers.ts'
import { haveOneAnswer } from './one-answer.ts'

const inputsOf = (count: number): ModelInputs => ({
  ...{ source: '', targets: Array(count).fill(UNLABELED), lengths: undefined, preparationMs: undefined, notes: [] },
  feeds: async () => ({}),
})

/** Answers of so many numbers to each example, in two parts. */
function isOne(numbers: readonly number[][], own: Partial<ModelInputs> = {}, classes = 1): boolean {
  const part = (some: readonly number[][]) => {
    const tags = some.map((row) => Int32Array.from(row))
    const inputs = { ...inputsOf(some.length), ...own, ...('unit' in own && { tags }) }
    const dense: Answers = { logits: Float32Array.from(some.flat()), classes }
    return { inputs, dense }
  }
  return haveOneAnswer([part(numbers.slice(0, 2)), part(numbers.slice(2))])
}

const labels = { unit: 'labels' } as Partial<ModelInputs>
const words = { unit: undefined } as Partial<ModelInputs>
const estimates = { estimates: {} } as Partial<ModelInputs>

/** '1 0, 3 2': the numbers of two examples. */
const rows = (text: string): number[][] => text.split(', ').map((row) => row.split(' ').map(Number))

test.each([
  ['one class', '1 0, 3 2, 9 8', {}, 2, true],
  ['two classes', '1 0, 3 2, 8 9', {}, 2, false],
  ['the same labels', '1 0 1, 1 0 1, 1 0 1', labels, 1, true],
  ['other labels once', '1 0 1, 1 0 1, 1 1 1', labels, 1, false],
  ['one tag', '2 2, 2 2, 2 2', words, 1, true],
  ['two tags', '1 2, 1 2, 1 2', words, 1, false],
  ['one estimate', '3.5, 3.5, 3.500001', estimates, 1, true],
  ['two estimates', '3.5, 3.5, 3.51', estimates, 1, false],
  ['no estimate but 0', '0, 0, 0', estimates, 1, true],
  ['vectors', '0, 0, 0', { vectors: [] }, 1, false],
] as const)('finds one answer in %s as often as there is one', (_, numbers, own, classes, expected) => {
  expect(isOne(rows(numbers), own as Partial<ModelInputs>, classes)).toBe(expected)
})

import type { ModelInputs } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import { spareForCheck } from './spare-for-check.ts'

const inputs = (targets: readonly number[], others: Partial<ModelInputs> = {}): ModelInputs => ({
  source: 'x.tsv',
  targets,
  lengths: undefined,
  preparationMs: undefined,
  notes: [],
  feeds: async () => ({}),
  ...others,
})
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const keysOf = ({ keys = [] }: ModelInputs): number[] => keys.map(Number)

test('gives two thirds of each class to tuning, and the others to the verdict', () => {
  const targets = numbers(90).map((i) => (i < 60 ? 0 : 1))
  const { tuning, checking } = spareForCheck(inputs(targets))
  expect([...keysOf(tuning), ...keysOf(checking)].sort((a, b) => a - b)).toEqual(numbers(90))
  for (const [part, ofEach] of [
    [tuning, [40, 20]],
    [checking, [20, 10]],
  ] as const) {
    expect([0, 1].map((label) => part.targets.filter((target) => target === label).length)).toEqual(ofEach)
  }
})

test('keeps all candidates of a query in one part', () => {
  const queries = numbers(180).map((i) => `query ${Math.floor(i / 3)}`)
  const ranked = inputs(
    queries.map(() => -1),
    { ranking: { queries, relevance: undefined } as unknown as NonNullable<ModelInputs['ranking']> },
  )
  const { tuning, checking } = spareForCheck(ranked)
  const [first, second] = [tuning, checking].map((part) => new Set(keysOf(part).map((i) => Math.floor(i / 3))))
  expect([first?.size, second?.size]).toEqual([40, 20])
  expect([...(first ?? [])].some((query) => second?.has(query))).toBe(false)
})

test('refuses too few examples', () => {
  const few = inputs(numbers(89).map(() => 0))
  expect(() => spareForCheck(few)).toThrow('89 examples are too few to tune by; give 90 or more')
})

import { expect, test } from 'vitest'
import { chooserCases } from './cases.ts'
import { gridOf, shuffled } from './grid.ts'

test.each(chooserCases)('has 200 settings or more for $name, each once, the whole model first', (one) => {
  const plans = gridOf(one)
  expect(plans.length).toBeGreaterThanOrEqual(200)
  expect(new Set(plans.map((plan) => JSON.stringify(plan))).size).toBe(plans.length)
  expect(plans[0]).toEqual({ format: 1, method: 'none' })
  const last = one.layers - 1
  for (const { layers = [] } of plans) expect((layers as number[]).every((layer) => layer < last)).toBe(true)
})

test('leaves the same share of tokens by every set of layers', () => {
  const plans = gridOf({ layers: 6, methods: [{ method: 'tome' }], eightBits: false }).slice(1)
  const left = plans.map(({ keep }) => (keep as number[]).reduce((share, ratio) => share * ratio, 1).toFixed(2))
  expect(new Set(left)).toEqual(new Set(['0.90', '0.80', '0.70', '0.55', '0.40']))
})

test('mixes by the seed alone', () => {
  const all = Array.from({ length: 50 }, (_, i) => i)
  expect(shuffled(all, 3)).toEqual(shuffled(all, 3))
  expect(shuffled(all, 3)).not.toEqual(shuffled(all, 4))
  expect(shuffled(all, 3).toSorted((a, b) => a - b)).toEqual(all)
})

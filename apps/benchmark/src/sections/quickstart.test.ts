import { expect, test } from 'vitest'
import { candidatesOf } from './quickstart.ts'

test('tries each method next to random tokens and truncation at every budget', () => {
  const budgets = [0.1, 0.03].map((keep) => ({ keep, layers: [0] }))
  const names = candidatesOf({ subject: 'mail', budgets }).map(({ name }) => name)
  const each = ['received-attention', 'cls-attention', 'value-weighted', 'random', 'truncation']
  expect(names).toEqual(['dense', 'none', ...each, ...each])
})

test('thins out images evenly in place of truncation', () => {
  const budgets = [{ keep: 0.55, layers: [1] }]
  expect(candidatesOf({ subject: 'digits-vit', budgets }).at(-1)?.name).toBe('stride')
})

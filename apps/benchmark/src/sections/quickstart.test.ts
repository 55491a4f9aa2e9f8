import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { sharedPath } from '../files.ts'
import { candidate, chance, measure } from '../measure/measure.ts'
import { openSubject } from '../measure/subject.ts'
import { DENSE, pruned } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import { candidatesOf, quickstart, verdictOn } from './quickstart.ts'

const methods = ['received-attention', 'cls-attention']

test('tries each method next to random tokens, stride and truncation at every budget', () => {
  const budgets = [0.1, 0.03].map((keep) => ({ keep, layers: [0] }))
  const names = candidatesOf({ subject: 'mail', methods, budgets }).map(({ name }) => name)
  const each = [...methods, 'random', 'stride', 'truncation']
  expect(names).toEqual(['dense', 'none', ...each, ...each])
})

test('does not truncate images', () => {
  const budgets = [{ keep: 0.55, layers: [1] }]
  const names = candidatesOf({ subject: 'digits-vit', methods, budgets }).map(({ name }) => name)
  expect(names.slice(2)).toEqual([...methods, 'random', 'stride'])
})

test('ends a task in a verdict on its first method, next to random tokens', () => {
  const row = (name: string, estimate: number) => ({
    ...{ name, loss: { estimate, low: estimate - 1, high: estimate + 0.5 } },
    speedup: { value: 3, low: 2.9, high: 3.1 },
  })
  expect(verdictOn([row('tome', 0.2), row('random', 8)], 'tome', 842)).toBe(
    'tome  yes: 3.00× (2.90 … 3.10) as fast as dense, and it loses 0.2 (−0.8 … 0.7) points; random tokens lose more, 8.0 (7.0 … 8.5)',
  )
  expect(verdictOn([row('tome', 3), row('random', 3.1)], 'tome', 842)).toMatch(
    /^tome {2}no: .*; random tokens are not shown to lose more, 3\.1 /,
  )
})

test('begins with the task where choosing tokens pays', () => {
  expect(quickstart.sections.map(({ name }) => name)).toEqual(['clauses', 'mail', 'digits-vit'])
})

test('loses less by chosen tokens than by random ones where the evidence is in a few', async () => {
  const context = { runtime: nodeRuntime(), shared: sharedPath, onProgress: () => {} }
  const subject = await openSubject(context, subjects.clauses, 'calibration', 100)
  const budget = { keep: 0.05, layers: [0] }
  const candidates = [candidate(DENSE), candidate(pruned('cls-attention', budget)), chance(budget)]
  const [, chosen, random] = (await measure(context, subject, candidates)).map(({ loss }) => loss.estimate)
  expect(chosen).toBeLessThan(4)
  expect(random).toBeGreaterThan(5)
})

import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { measure } from './measure.ts'
import { candidatesOf, cases, verdictOn } from './quickstart.ts'
import { candidate, chance, pruned } from './settings.ts'
import { openSubject } from './subject.ts'

test('compares each method with random tokens and stride, and of texts with truncation', () => {
  const namesOf = (subject: 'mail' | 'digits-vit') =>
    candidatesOf({ subject, methods: ['tome', 'cls-attention'], budget: { keep: 0.1, layers: [0] } }).map(
      ({ name }) => name,
    )
  const common = ['dense', 'none', 'tome', 'cls-attention', 'random', 'stride']
  expect(namesOf('mail')).toEqual([...common, 'truncation'])
  expect(namesOf('digits-vit')).toEqual(common)
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
  expect(cases.map(({ subject }) => subject)).toEqual(['clauses', 'mail', 'digits-vit'])
})

test('loses less by chosen tokens than by random ones if the evidence is in a few', async () => {
  const context = { runtime: nodeRuntime(), onProgress: () => {} }
  const subject = await openSubject(context.runtime, 'clauses', 'calibration', 100)
  const budget = { keep: 0.05, layers: [0] }
  const candidates = [candidate({ kind: 'dense' }), candidate(pruned('cls-attention', budget)), chance(budget)]
  const [, chosen, random] = (await measure(context, subject, candidates)).map(({ loss }) => loss.estimate)
  expect(chosen).toBeLessThan(4)
  expect(random).toBeGreaterThan(5)
})

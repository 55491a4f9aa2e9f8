import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { sharedPath } from '../files.ts'
import { DENSE, NONE, pruned } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import { candidate, chance, figureOf, measureTimed, type TimedRow } from './measure.ts'
import { lengthOfEqualCost, totalFlops } from './prepare.ts'
import { type MeasuredSubject, openSubject } from './subject.ts'

const runtime = nodeRuntime()
let subject: MeasuredSubject

beforeAll(async () => {
  subject = await openSubject({ runtime, shared: sharedPath }, subjects.mail, 'calibration', 12)
})

describe('the rows of candidates', () => {
  const budget = { keep: 0.5, layers: [1, 3] }
  let rows: TimedRow[]
  beforeAll(async () => {
    const candidates = [
      ...[DENSE, NONE, pruned('cls-attention', budget)].map((setting) => candidate(setting)),
      chance(budget),
      candidate({ kind: 'truncated', budget, like: 'cls-attention' }),
    ]
    const timing = { at: { examples: 2 }, rounds: 3, budgetMs: 1 }
    rows = await measureTimed({ runtime, onProgress: () => {} }, subject, candidates, timing)
  }, 180_000)
  const find = (name: string): TimedRow => rows.find((row) => row.name === name) as TimedRow

  test('keeps the order of the candidates', () => {
    expect(rows.map(({ name }) => name)).toEqual(['dense', 'none', 'cls-attention', 'random', 'truncation'])
  })

  test('compare with the first, which answers the same without its dead tokens for less', () => {
    expect(find('dense')).toMatchObject({
      isReference: true,
      kept: 1,
      flops: 1,
      speedup: { value: 1 },
    })
    expect(figureOf(find('dense'), 'divergence').estimate).toBe(0)
    expect(find('none')).toMatchObject({ isReference: false, kept: 1, loss: { estimate: 0 } })
    for (const name of ['dense', 'none']) expect(figureOf(find(name), 'agreement').estimate).toBe(100)
    expect(find('none').flops).toBeGreaterThan(1.1)
  })

  test('say how many tokens enter the FFN, averaged over layers', () => {
    // by layer 1, ½, ½, ¼, ¼, ¼, a little more where a half is rounded up
    const exact = (1 + 0.5 + 0.5 + 0.25 + 0.25 + 0.25) / 6
    expect(find('cls-attention').kept).toBeGreaterThanOrEqual(exact)
    expect(find('cls-attention').kept).toBeLessThan(exact + 0.02)
  })

  test('average five seeds where the method is random', () => {
    expect(find('random').seeds).toHaveLength(5)
  })

  test('have truncation save at least what the method saves', () => {
    expect(find('truncation').flops).toBeGreaterThanOrEqual(find('cls-attention').flops)
    expect(find('truncation').maxTokens).toBeLessThan(Math.max(...subject.lengths))
  })
})

test('finds the greatest length within the allowed cost', () => {
  const { model, lengths } = subject
  const allowed = totalFlops(model, lengths) / 2
  const limit = lengthOfEqualCost(model, lengths, allowed)
  const cut = (length: number) => lengths.map((own) => Math.min(own, length))
  expect(totalFlops(model, cut(limit))).toBeLessThanOrEqual(allowed)
  expect(totalFlops(model, cut(limit + 1))).toBeGreaterThan(allowed)
})

import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { measureTimed, stratifiedSample, type TimedRow } from './measure.ts'
import { lengthOfEqualCost, totalFlops } from './prepare.ts'
import { candidate, chance, pruned } from './settings.ts'
import { type MeasuredSubject, openSubject } from './subject.ts'

const runtime = nodeRuntime()
let subject: MeasuredSubject

beforeAll(async () => {
  subject = await openSubject(runtime, 'mail', 'calibration', 12)
})

describe('the rows of candidates', () => {
  const budget = { keep: 0.5, layers: [1, 3] }
  let rows: TimedRow[]
  beforeAll(async () => {
    const candidates = [
      candidate({ kind: 'dense' }),
      candidate({ kind: 'none' }),
      candidate(pruned('cls-attention', budget)),
      chance(budget),
      candidate({ kind: 'truncated', budget, like: 'cls-attention' }),
    ]
    rows = await measureTimed({ runtime, onProgress: () => {} }, subject, candidates, {
      examples: 2,
      rounds: 3,
      budgetMs: 1,
    })
  }, 180_000)
  const find = (name: string): TimedRow => rows.find((row) => row.name === name) as TimedRow

  test('compare with the first, which answers the same without its dead tokens for less', () => {
    expect(rows.map(({ name }) => name)).toEqual(['dense', 'none', 'cls-attention', 'random', 'truncation'])
    expect(find('dense')).toMatchObject({ kept: 1, flops: 1, speedup: { value: 1 } })
    expect(find('none')).toMatchObject({ kept: 1, loss: { estimate: 0 } })
    expect(find('none').flops).toBeGreaterThan(1.1)
  })

  test('say how many tokens enter the FFN, averaged over layers', () => {
    // by layer 1, ½, ½, ¼, ¼, ¼, a little more where a half is rounded up
    const exact = (1 + 0.5 + 0.5 + 0.25 + 0.25 + 0.25) / 6
    expect(find('cls-attention').kept).toBeGreaterThanOrEqual(exact)
    expect(find('cls-attention').kept).toBeLessThan(exact + 0.02)
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

test('times the middle of each equal part of the examples, by length', () => {
  const lengths = [50, 10, 40, 20, 30, 60]
  expect(stratifiedSample(lengths, 3).map((i) => lengths[i])).toEqual([20, 40, 60])
  expect(stratifiedSample([3, 1, 2], 10)).toEqual([1, 2, 0])
})

import { accuracyInterval } from '@tp/eval/metrics'
import { describe, expect, test } from 'vitest'
import { behind, type Line } from '../measure/compare.ts'
import { verdict } from './verdict.ts'

const EXAMPLES = 1000
const budget = { keep: 0.3, layers: [0] }

/** A line that answers all but the first so many examples right. */
function line(method: string, keep: number, wrong: number): Line {
  const correct = Array.from({ length: EXAMPLES }, (_, i) => (i < wrong ? 0 : 1))
  return {
    method,
    keep,
    kept: keep,
    correct,
    accuracy: accuracyInterval(correct),
    loss: behind(Array(EXAMPLES).fill(1), correct),
    seeds: [99],
    agreement: 100,
    flops: 3,
    p50Ms: 1,
    speedup: { value: 2, low: 1.9, high: 2.1 },
  }
}

const verdictOf = (methodWrong: number, randomWrong: number): string =>
  verdict([line('received-attention', 0.3, methodWrong), line('random', 0.3, randomWrong)], budget, 'mails')

describe('verdict', () => {
  test('says that random keeps up where it does', () => {
    const text = verdictOf(0, 0)
    expect(text).toContain('cannot be told from none')
    expect(text).toContain('Random tokens keep up too')
    expect(text).toContain('which of the two is better cannot be told')
  })

  test('says that random does not keep up, and by how much', () => {
    const text = verdictOf(0, 100)
    expect(text).toContain('Random tokens no longer keep up with the dense model (loss 10.0')
    expect(text).toContain('received-attention is 10.0')
    expect(text).toContain('ahead of them')
  })

  test('hides no loss of the method, nor that chance is better', () => {
    const text = verdictOf(100, 0)
    expect(text).toContain('loss 10.0')
    expect(text).toContain('which can be measured')
    expect(text).toContain('behind them')
  })
})

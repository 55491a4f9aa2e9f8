import { textDataset } from '@tp/eval/inputs'
import { clsAttention } from '@tp/method-attention'
import { mailData, modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { compare, type Line } from './compare.ts'
import { openSubject, type Subject } from './subject.ts'
import { lengthOfEqualCost } from './truncation.ts'
import { totalFlops } from './variant.ts'

const runtime = nodeRuntime()
let subject: Subject

beforeAll(async () => {
  subject = await openSubject(runtime, {
    name: 'mail',
    path: modelPath('mail'),
    dataset: textDataset('mails', mailData('calibration').slice(0, 24)),
    prepare: { tokenizer: modelPath('mail', 'tokenizer'), maxTokens: 512 },
  })
})

describe('compare', () => {
  let lines: Line[]
  beforeAll(async () => {
    lines = await compare(runtime, {
      subject,
      methods: [clsAttention()],
      budgets: [{ keep: 0.5, layers: [1, 3] }],
      control: 'truncation',
      timed: { examples: 2, budgetMs: 1 },
      onProgress: () => {},
    })
  })
  const find = (method: string): Line => lines.find((line) => line.method === method) as Line

  test('has a line for dense, for dense without dead tokens, for each method and for the controls', () => {
    expect(lines.map(({ method }) => method)).toEqual(['dense', 'none', 'cls-attention', 'random', 'truncation'])
  })

  test('dense is its own measure, and without dead tokens it answers the same for less', () => {
    expect(find('dense')).toMatchObject({ kept: 1, flops: 1, agreement: 100, speedup: { value: 1 } })
    expect(find('none')).toMatchObject({ kept: 1, agreement: 100, loss: { estimate: 0 } })
    expect(find('none').flops).toBeGreaterThan(1.1)
  })

  test('kept is the mean over layers of the tokens that enter the FFN', () => {
    // by layer 1, ½, ½, ¼, ¼, ¼, a little more where a half is rounded up
    const exact = (1 + 0.5 + 0.5 + 0.25 + 0.25 + 0.25) / 6
    expect(find('cls-attention').kept).toBeGreaterThanOrEqual(exact)
    expect(find('cls-attention').kept).toBeLessThan(exact + 0.02)
  })

  test('random stands for five seeds', () => {
    expect(find('random').seeds).toHaveLength(5)
  })

  test('truncation saves at least what the method saves', () => {
    expect(find('truncation').flops).toBeGreaterThanOrEqual(find('cls-attention').flops)
  })
})

describe('lengthOfEqualCost', () => {
  test('is the greatest length within what is allowed', () => {
    const { model, lengths } = subject
    const allowed = totalFlops(model, lengths) / 2
    const limit = lengthOfEqualCost(model, lengths, allowed)
    const cut = (length: number) => lengths.map((own) => Math.min(own, length))
    expect(totalFlops(model, cut(limit))).toBeLessThanOrEqual(allowed)
    expect(totalFlops(model, cut(limit + 1))).toBeGreaterThan(allowed)
  })
})

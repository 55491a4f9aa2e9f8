import type { Plan } from '@tp/compiler'
import { expect, test } from 'vitest'
import { describeOptimized, type OptimizedPlan, planThatRemains, verdictOfPlan } from '../index.ts'

/** Figures of a plan that was verified on 320 examples. */
const onExamples: OptimizedPlan['figures'] = {
  ...{ maxLoss: 1, points: 'accuracy', confident: false, confirmed: true, examples: 320, data: 'd.tsv', grid: [] },
  loss: { estimate: 0.2, low: -0.4, high: 0.9 },
  ...{ runtime: 'onnxruntime-node', version: '1', device: 'cpu', date: '2026-01-01' },
}

const textOf = (plan: OptimizedPlan): string => `${describeOptimized(plan).join('\n')}\n`

test('says by which loss a plan was chosen, whether the same examples tell it, and where labels contradict', () => {
  const linesOf = (own: Partial<OptimizedPlan['figures']>): string => {
    const plan: Plan = { format: 1, method: 'tome', layers: [2], keep: [0.7] }
    const figures = { ...onExamples, ...own }
    return textOf({ format: 1, regimes: [{ plan }], figures })
  }
  expect(linesOf({})).toContain('loss  0.2 (−0.4 … 0.9) points, on 320 examples that chose nothing\n')
  expect(linesOf({ rejected: 1 })).toContain('on 320 examples that chose nothing but to reject a faster plan\n')
  const expectedLoss = { estimate: 0.5, low: 0.1, high: 1.6 }
  const few = linesOf({ confirmed: false, expectedLoss })
  expect(few).toContain(
    'loss  0.5 (0.1 … 1.6) points, by labels 0.2 (−0.4 … 0.9), on 320 examples that it was chosen by\n',
  )
  expect(few).not.toContain('ALARM')
  expect(linesOf({ repeated: 3 })).toContain('that chose nothing\n3 examples repeat others and are left out\n')
  expect(linesOf({ points: 'nDCG@10', cosine: 0.957, documents: 160 })).toContain(
    'vectors have a cosine of 0.96 to the dense ones: embed all texts of an index by one of the two files\n' +
      'searched in 160 documents: in more of them more may be lost\n',
  )
  expect(linesOf({ tooFewJudged: { of: 'pairs', count: 12, needed: 60 } })).toContain(
    '12 judged pairs are too few to choose by (it takes 60): vectors are compared with the dense ones\n',
  )
  const alarms = (['accuracy', 'labels', 'tags', 'correlation'] as const).map(
    (points) => /ALARM {2}the dense model gives (.*), so/.exec(linesOf({ points, oneAnswer: true }))?.[1],
  )
  expect(alarms).toEqual([
    'all examples the same class',
    'all examples the same labels',
    'all words the same tag',
    'all examples the same estimate',
  ])
  const alarm = 'ALARM  labels say that it loses more than 1 point: check it on other examples\n'
  expect(linesOf({ confirmed: false, expectedLoss, contradicted: true })).toContain(alarm)
})

test('says what 8 bits do alone, and that a plan is in them', () => {
  const figures: OptimizedPlan['figures'] = {
    ...onExamples,
    eightBits: { speedup: 1.9, loss: { estimate: 0.1, low: -0.5, high: 0.7 }, holds: true },
  }
  const linesOf = (plan: Plan, own: Partial<typeof figures> = {}): string =>
    textOf({ format: 1, regimes: [{ plan }], figures: { ...figures, ...own } })
  const quantize = {}
  const pruned = linesOf({ format: 1, method: 'sdtp', layers: [1, 3], keep: [0.8, 0.7], quantize })
  expect(pruned).toContain('sdtp, keep 0.8 at layer 1, 0.7 at layer 3, in 8 bits\n')
  expect(pruned).toContain('8 bits alone  1.90×, loss 0.1 (−0.5 … 0.7) points on the examples for choosing\n')
  const alone = linesOf({ format: 1, method: 'none', quantize })
  expect(alone).toContain('no tokens are pruned but dead ones, in 8 bits\n')
  const eightBits = { speedup: 1.9, loss: { estimate: 4, low: 3, high: 5 }, holds: false }
  const dense = linesOf({ format: 1, method: 'none' }, { eightBits })
  expect(dense).toContain('nothing pruned or in 8 bits is faster and loses no more than 1 point\n')
  const tooFewJudged = { of: 'queries', count: 3, needed: 40 } as const
  expect(linesOf({ format: 1, method: 'none' }, { tooFewJudged })).toContain(
    '3 judged queries are too few to choose by',
  )
  expect(dense).toContain('4.0 (3.0 … 5.0) points on the examples for choosing; nothing was pruned in 8 bits\n')
})

test('says what fewer layers do alone, and that a plan has them', () => {
  const leftOut = { layers: [2, 4], speedup: 1.4, loss: { estimate: 0.3, low: -0.5, high: 1.1 }, holds: true }
  const figures: OptimizedPlan['figures'] = { ...onExamples, leftOut }
  const linesOf = (plan: Plan, own: Partial<typeof figures> = {}): string =>
    textOf({ format: 1, regimes: [{ plan }], figures: { ...figures, ...own } })
  const without = linesOf({ format: 1, method: 'none', leaveOut: [2, 4], quantize: {} })
  expect(without).toContain('without layers 2, 4, no tokens are pruned but dead ones, in 8 bits\n')
  expect(without).toContain(
    'without layers 2, 4 alone  1.40×, loss 0.3 (−0.5 … 1.1) points on the examples for choosing\n',
  )
  const both = linesOf({ format: 1, method: 'tome', layers: [1], keep: [0.7], leaveOut: [2, 4], pack: true })
  expect(both).toContain('without layers 2, 4, tome, keep 0.7 at layer 1, packed\n')
  const dense = linesOf({ format: 1, method: 'none' }, { leftOut: { ...leftOut, layers: [2], holds: false } })
  expect(dense).toContain('nothing pruned or with fewer layers is faster and loses no more than 1 point\n')
  expect(dense).toContain(
    'without layer 2 alone  1.40×, loss 0.3 (−0.5 … 1.1) points on the examples for choosing; all layers',
  )
})

test('reaches a verdict by the figures of the search', () => {
  const fast = { speedup: { estimate: 2, low: 1.9, high: 2.1 }, loss: { estimate: 0.2, low: -0.4, high: 0.9 } }
  const verdictOf = (own: Partial<OptimizedPlan['figures']>, demands = {}): string => {
    const plan: Plan = { format: 1, method: 'tome', layers: [2], keep: [0.7] }
    return verdictOfPlan({ format: 1, regimes: [{ plan }], figures: { ...onExamples, ...own } }, demands).text
  }
  expect(verdictOf(fast)).toBe('yes: 2.00× (1.90 … 2.10) as fast as dense, and it loses 0.2 (−0.4 … 0.9) points')
  expect(verdictOf(fast, { minSpeedup: 3 })).toMatch(/^no: it is 2.00× .* as fast as dense, and 3.00× is demanded/)
  expect(verdictOf(fast, { maxLoss: 0.5 })).toMatch(/320 examples do not show that it loses at most 0.5 points: /)
  // Nothing was found.
  expect(verdictOf({})).toBe('no: nothing faster loses at most 1 point; only dead tokens are removed')
})

test('says yes by scores of pairs from 300 on, since its interval is drawn from them', () => {
  const plan: Plan = { format: 1, method: 'none', quantize: {} }
  const verdictOf = (examples: number) =>
    verdictOfPlan({
      ...{ format: 1, regimes: [{ plan }] },
      figures: { ...onExamples, points: 'Spearman', examples, speedup: { estimate: 2, low: 1.9, high: 2.1 } },
    })
  expect(verdictOf(300).answer).toBe('yes')
  expect(verdictOf(299)).toMatchObject({ answer: 'not shown', text: expect.stringContaining('it takes 300') })
})

test('leaves the plan of a search whose model could not be written in its file, or prints it without marks', () => {
  const plan: Plan = { format: 1, method: 'tome', layers: [2], keep: [0.7], chosenOn: '0000abc'.repeat(1000) }
  expect(planThatRemains(plan, 'plan.json')).toMatch(/^\[tp\] plan\.json holds the plan/)
  expect(planThatRemains(plan, undefined)).toMatch(/: {"format":1,"method":"tome","layers":\[2\],"keep":\[0\.7\]}$/)
})

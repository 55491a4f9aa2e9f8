import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { sharedPath } from '../files.ts'
import { type MeasuredSubject, openSubject } from '../measure/subject.ts'
import type { Setting } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import type { AccuracyValue } from './cell.ts'
import { measureAccuracy } from './measure.ts'
import { attempt } from './results.ts'

const EXAMPLES = 12
const runtime = nodeRuntime()
const budget = { keep: 0.5, layers: [1, 3] }

let subject: MeasuredSubject
beforeAll(async () => {
  subject = await openSubject({ runtime, shared: sharedPath }, subjects.mail, 'test', EXAMPLES)
}, 60_000)

const measure = (setting: Setting): Promise<AccuracyValue> => measureAccuracy(runtime, subject, { setting })

describe('accuracy of a setting', { timeout: 120_000 }, () => {
  test('accuracy is the same for less without dead tokens', { tags: 'exhaustive' }, async () => {
    const [dense, none] = [await measure({ kind: 'dense' }), await measure({ kind: 'none' })]
    expect(none.answers).toBe(dense.answers)
    expect(none.flops).toBeLessThan(0.9 * dense.flops)
    expect(none.kept).toEqual([1, 1, 1, 1, 1, 1])
    const right = [...none.correct].filter((one) => one === '1').length
    expect(none.accuracy).toBeCloseTo((100 * right) / EXAMPLES)
  })

  test('comes with the kept tokens, even where the data decide them', async () => {
    const counted = await measure({ kind: 'pruned', method: 'random', budget, seed: 3 })
    const sampled = await measure({ kind: 'pruned', method: 'ats', budget })
    for (const [layer, share] of [1, 0.5, 0.5, 0.25, 0.25, 0.25].entries()) {
      expect(counted.kept?.[layer]).toBeGreaterThanOrEqual(share)
      expect(counted.kept?.[layer]).toBeLessThan(share + 0.02)
      expect(sampled.kept?.[layer]).toBeLessThanOrEqual(counted.kept?.[layer] as number)
    }
    expect(sampled.flops).toBeLessThan(1.01 * counted.flops)
  })

  test('costs truncated texts at most what random tokens cost at the budget, and hardly less', {
    tags: 'exhaustive',
  }, async () => {
    const [cut, random] = [
      await measure({ kind: 'truncated', budget }),
      await measure({ kind: 'pruned', method: 'random', budget, seed: 0 }),
    ]
    expect(cut.flops).toBeLessThanOrEqual(random.flops)
    expect(cut.flops).toBeGreaterThan(0.97 * random.flops)
    expect(cut.maxTokens).toBeLessThan(Math.max(...subject.lengths))
  })

  test('saves the share of a layer that is left out', async () => {
    const [none, shallow] = [await measure({ kind: 'none' }), await measure({ kind: 'shallow', without: [2] })]
    expect(shallow.flops / none.flops).toBeGreaterThan(0.75)
    expect(shallow.flops / none.flops).toBeLessThan(0.85)
  })

  test('accuracy is a refusal with its reason where it cannot be measured', async () => {
    const { refused, value } = await attempt(() => measure({ kind: 'pruned', method: 'no-such', budget }))
    expect(value).toBeUndefined()
    expect(refused).toMatchObject({ code: 'TP_METHOD' })
  })
})

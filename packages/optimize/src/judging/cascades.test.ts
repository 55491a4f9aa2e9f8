import type { ModelInputs } from '@tp/data/inputs'
import { mean } from '@tp/metrics'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Losses } from './answers.ts'
import { leastFallbacks, lossesWith } from './cascades.ts'
import { predictionsOf } from './measure-answers.ts'

/** Logits of two classes of two models for the same examples, and labels. */
const answers = fc.array(
  fc.record({
    dense: fc.tuple(fc.float({ min: -4, max: 4, noNaN: true }), fc.float({ min: -4, max: 4, noNaN: true })),
    pruned: fc.tuple(fc.float({ min: -4, max: 4, noNaN: true }), fc.float({ min: -4, max: 4, noNaN: true })),
    target: fc.nat({ max: 1 }),
  }),
  { minLength: 1, maxLength: 40 },
)

const atMost =
  (points: number) =>
  ({ labeled, expected }: Losses): boolean =>
    mean(labeled as number[]) <= points && mean(expected) <= points

test('takes the first threshold that holds with the fewest fallbacks', () => {
  fc.assert(
    fc.property(answers, fc.integer({ min: 0, max: 20 }), (rows, allowed) => {
      const [dense, pruned] = (['dense', 'pruned'] as const).map((name) => ({
        logits: Float32Array.from(rows.flatMap((row) => row[name])),
        classes: 2,
      })) as [Parameters<typeof lossesWith>[0], Parameters<typeof lossesWith>[1]]
      const targets = rows.map(({ target }) => target)
      const turned = predictionsOf(dense).some((own, i) => own !== predictionsOf(pruned)[i])
      const offered = leastFallbacks([{ dense, pruned, targets }], atMost(allowed))
      const inputs: ModelInputs = {
        ...{ source: 'drawn', targets, lengths: undefined, preparationMs: undefined, notes: [] },
        feeds: async () => ({}),
      }
      expect(offered.length > 0).toBe(turned)
      for (const [i, { threshold, share }] of offered.entries()) {
        expect(share).toBeGreaterThanOrEqual(offered[i - 1]?.share ?? 0)
        if (i === 0) expect(atMost(allowed)(lossesWith(dense, pruned, inputs, threshold))).toBe(true)
      }
      // With the last one all changed answers fall back.
      const { labeled = [], expected, changed = [] } = lossesWith(dense, pruned, inputs, offered.at(-1)?.threshold)
      expect([labeled.length, changed.length]).toEqual([rows.length, rows.length])
      for (const loss of [...labeled, ...expected, ...changed]) expect(Math.abs(loss)).toBe(0)
    }),
  )
})

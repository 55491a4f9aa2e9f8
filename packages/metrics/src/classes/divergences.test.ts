import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divergences } from './divergences.ts'

const CLASSES = 3

const logits = fc
  .array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 2 * CLASSES, maxLength: 2 * CLASSES })
  .map((row) => Float32Array.from(row))

test('agree with known probabilities', () => {
  const [p, q] = [
    [0.5, 0.5],
    [0.25, 0.75],
  ].map((row) => Float32Array.from(row, Math.log)) as [Float32Array, Float32Array]
  const [found] = divergences({ logits: p, classes: 2 }, { logits: q })
  expect(found).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 5)
})

test('divergences are never below 0, and 0 for equal answers, whatever is added to all logits', () => {
  fc.assert(
    fc.property(logits, logits, fc.integer({ min: -50, max: 50 }), (p, q, more) => {
      for (const found of divergences({ logits: p, classes: CLASSES }, { logits: q })) {
        expect(found).toBeGreaterThanOrEqual(-1e-9)
      }
      const raised = p.map((logit) => logit + more)
      for (const found of divergences({ logits: p, classes: CLASSES }, { logits: raised }))
        expect(found).toBeCloseTo(0, 4)
    }),
  )
})

import { UNLABELED } from '@tp/data/inputs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { calibrated, lossesOf, predictionsOf } from './measure-answers.ts'

const CLASSES = 3

/** Chances of three classes, by example. */
const chances = fc
  .array(fc.tuple(...Array.from({ length: CLASSES }, () => fc.double({ min: 0.01, max: 1, noNaN: true }))), {
    minLength: 1,
  })
  .map((rows) => rows.map((row) => row.map((value) => value / row.reduce((sum, other) => sum + other, 0))))

test('gives the average loss under labels drawn by the model as the expected loss, and never a gain', () => {
  fc.assert(
    fc.property(chances, fc.infiniteStream(fc.nat({ max: CLASSES - 1 })), (rows, stream) => {
      const dense = { logits: Float32Array.from(rows.flat(), Math.log), classes: CLASSES }
      const answers = rows.map(() => stream.next().value as number)
      const { expected } = lossesOf(
        dense,
        answers,
        rows.map(() => 0),
      )
      for (const [i, row] of rows.entries()) {
        const average = row.reduce((sum, chance, label) => {
          const { labeled } = lossesOf(
            dense,
            answers,
            rows.map(() => label),
          )
          return sum + chance * (labeled?.[i] as number)
        }, 0)
        expect(expected[i]).toBeCloseTo(average, 3)
        expect(expected[i]).toBeGreaterThanOrEqual(0)
      }
    }),
    { numRuns: 50 },
  )
})

test('loses nothing by labels that are not known, and at most the answers that change', () => {
  fc.assert(
    fc.property(chances, fc.infiniteStream(fc.nat({ max: CLASSES - 1 })), (rows, stream) => {
      const dense = { logits: Float32Array.from(rows.flat(), Math.log), classes: CLASSES }
      const answers = rows.map(() => stream.next().value as number)
      const unlabeled = rows.map(() => UNLABELED)
      const { labeled, expected, changed = [] } = lossesOf(dense, answers, unlabeled)
      expect(labeled).toBeUndefined()
      const inputs = {
        source: '',
        targets: unlabeled,
        lengths: undefined,
        preparationMs: undefined,
        notes: [],
        feeds: async () => ({}),
      }
      expect(calibrated([{ inputs, answers: dense }])).toBeUndefined()
      for (const [i, answer] of predictionsOf(dense).entries()) {
        expect(changed[i]).toBe(answer === answers[i] ? 0 : 100)
        expect(expected[i]).toBeLessThanOrEqual(changed[i] as number)
      }
    }),
    { numRuns: 50 },
  )
})

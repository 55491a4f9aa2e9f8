import { expect, test } from 'vitest'
import { fitLinearClassifier } from './logistic.ts'

/** Points around three corners, the same in each run. */
const points = Array.from({ length: 90 }, (_, i) => {
  const [corner, angle] = [i % 3, i * 2.4]
  return {
    label: corner,
    row: Float32Array.of(5 * Number(corner === 1) + Math.cos(angle), 100 + 3 * Number(corner === 2) + Math.sin(angle)),
  }
})

test('separates classes that a line separates, whatever the scale of the features', () => {
  const rows = points.map(({ row }) => row)
  const labels = points.map(({ label }) => label)
  const { weights, bias } = fitLinearClassifier(rows, labels, 3, 1e-3)
  const answers = rows.map((row) => {
    const logits = [0, 1, 2].map(
      (c) => (bias[c] ?? 0) + row.reduce((sum, x, f) => sum + x * (weights[f * 3 + c] ?? 0), 0),
    )
    return logits.indexOf(Math.max(...logits))
  })
  expect(answers).toEqual(labels)
})

test('shrinks weights by the penalty', () => {
  const rows = points.map(({ row }) => row)
  const labels = points.map(({ label }) => label)
  const size = (penalty: number) => Math.hypot(...fitLinearClassifier(rows, labels, 3, penalty).weights)
  expect(size(1)).toBeLessThan(size(0.01) / 2)
})

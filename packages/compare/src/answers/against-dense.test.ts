import { accuracyInterval, largest } from '@tp/metrics'
import { describe, expect, test } from 'vitest'
import { changesFromDense, compareToDense } from './against-dense.ts'
import type { Evaluation } from './outcome.ts'

/** '2 0, 0 2': the logits of two examples. */
function answers(text: string, targets: readonly number[]): Evaluation {
  const logits = text.split(', ').map((row) => row.split(' ').map(Number))
  const predictions = logits.map(largest)
  const correct = predictions.map((prediction, i) => prediction === targets[i])
  return {
    task: 'classification',
    figures: { accuracy: { got: correct.map(Number), share: true } },
    accuracy: accuracyInterval(correct.map(Number)),
    predictions,
    correct,
    classes: 2,
    logits: Float32Array.from(logits.flat()),
    answerForm: 'logits',
    kept: undefined,
    latency: undefined,
  }
}

const targets = [0, 1, 1, 0]
const dense = answers('2 0, 0 2, 2 0, 2 0', targets)

describe('compareToDense', () => {
  test('finds no loss of a model compared with itself, but four examples do not prove it', () => {
    expect(compareToDense(dense, dense)).toEqual({
      loss: { estimate: 0, low: expect.closeTo(-0.64 * 100, -1), high: expect.closeTo(0.64 * 100, -1) },
      mcnemar: { onlyFirst: 0, onlySecond: 0, p: 1, exact: 1 },
      agreement: 100,
      largestDifference: 0,
    })
  })

  test('pairs losses and gains by example', () => {
    // loses example 1, gains example 2, is right on 0 and 3 in both
    const pruned = answers('2 0, 3 2, 2 2.5, 2 0', targets)
    const { loss, agreement, largestDifference, mcnemar } = compareToDense(pruned, dense)
    expect(mcnemar).toEqual({ onlyFirst: 1, onlySecond: 1, p: 0.75, exact: 1 })
    expect(loss.estimate).toBe(0)
    expect(loss.low).toBeLessThan(0)
    expect(loss.high).toBeGreaterThan(0)
    expect(agreement).toBe(50)
    expect(largestDifference).toBe(3)
  })

  test('gives the loss as the difference of the accuracies, in points', () => {
    const pruned = answers('0 2, 2 0, 2 0, 2 0', targets)
    expect(compareToDense(pruned, dense).loss.estimate).toBe(dense.accuracy.estimate - pruned.accuracy.estimate)
    expect(compareToDense(pruned, dense).loss.estimate).toBe(50)
  })

  test('counts changed answers, and what they cost by the probabilities of the dense model, without labels', () => {
    const pruned = answers('0 2, 0 2, 2 0, 2 0', targets)
    const { changed, expectedLoss, divergence } = changesFromDense(pruned, dense)
    expect(changed).toEqual({ estimate: 25, low: expect.closeTo(0.6, 1), high: expect.closeTo(80.6, 1) })
    // One of four, at tanh(1).
    expect(expectedLoss.estimate).toBeCloseTo((100 * Math.tanh(1)) / 4, 5)
    expect(divergence).toBeCloseTo((2 * Math.tanh(1)) / 4, 5)
  })

  test('refuses to compare different examples', () => {
    expect(() => compareToDense(answers('1 0', [0]), dense)).toThrow('evaluations of 1 and 4 examples')
  })
})

import { randomNumbers } from '@tp/core/statistics'
import { mean, rankCorrelation, sampleDeviation } from '@tp/metrics'
import { expect, test } from 'vitest'
import { joinedPairLosses, pairLoss, pairLosses, rowsOfPairs } from './pair-losses.ts'

const random = randomNumbers(5)
const scores = Array.from({ length: 400 }, () => Math.floor(6 * random()))
const noisy = (noise: number): number[] => scores.map((score) => score / 5 + noise * (random() - 0.5))
const pairs = { dense: noisy(0.6), changed: noisy(0.9), scores }

test('losses by pair are in the mean what the correlation of all loses, and scatter as much', () => {
  const { expected, labeled } = pairLosses(pairs)
  const lost = 100 * ((rankCorrelation(pairs.dense, scores) ?? 0) - (rankCorrelation(pairs.changed, scores) ?? 0))
  expect(lost).toBeGreaterThan(1)
  expect(mean(expected)).toBeCloseTo(lost, 1)
  expect(labeled).toEqual(expected)
  const { estimate, low, high } = pairLoss(pairs)
  expect(estimate).toBeCloseTo(lost, 10)
  const ofMean = (2 * 1.96 * sampleDeviation([...expected])) / Math.sqrt(scores.length)
  expect(ofMean / (high - low)).toBeGreaterThan(0.8)
  expect(ofMean / (high - low)).toBeLessThan(1.25)
})

test('the losses of two parts are those of all pairs', () => {
  const part = (from: number, to: number) => ({
    ...{ dense: pairs.dense.slice(from, to), changed: pairs.changed.slice(from, to), scores: scores.slice(from, to) },
  })
  expect(joinedPairLosses([part(0, 90), part(90, 400)])).toEqual(pairLosses(pairs))
})

test('a model that orders pairs as before loses nothing', () => {
  const { expected } = pairLosses({ ...pairs, changed: pairs.dense.map((cosine) => cosine ** 3) })
  expect(new Set(expected)).toEqual(new Set([0]))
})

test('rows of pairs are those of which both texts are there', () => {
  expect(rowsOfPairs({ of: [0, 1, 2, 1, 2, 5] })).toEqual([
    [1, 3],
    [2, 4],
  ])
})

import { binomialAtMost, randomNumbers } from '@tp/core/statistics'

import { describe, expect, test } from 'vitest'
import { Drift } from './drift.ts'

const random = randomNumbers(1)
const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
const stream = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw)

/** Inputs until evidence reaches a threshold; undefined if it does not. */
function delay(drift: Drift, threshold: number, values: readonly number[]): number | undefined {
  const at = values.findIndex((value) => drift.add(value) >= threshold)
  return at < 0 ? undefined : at + 1
}

describe('false alarms within 500 inputs are no more frequent than promised, with few baseline values or many', () => {
  const STREAMS = 500
  test.each([
    { threshold: 2500, baseline: 50, draw: normal },
    { threshold: 2500, baseline: 1000, draw: normal },
    { threshold: 5000, baseline: 200, draw: () => Math.floor(4 * random()) }, // ties
    { threshold: 10_000, baseline: 200, draw: () => Math.exp(3 * normal()) }, // heavy tails
  ])('at threshold $threshold with $baseline values', ({ threshold, baseline, draw }) => {
    let alarms = 0
    for (let i = 0; i < STREAMS; i++) {
      const drift = new Drift(stream(baseline, draw), random)
      if (delay(drift, threshold, stream(500, draw)) !== undefined) alarms++
    }
    // what chance alone would exceed once in a thousand times
    expect(1 - binomialAtMost(alarms - 1, STREAMS, 500 / threshold)).toBeGreaterThan(0.001)
  })
})

describe('a drift is noticed early or late in a stream', () => {
  test.each([
    { what: 'lower by two deviations', draw: () => normal() - 2, within: 15 },
    { what: 'higher by one', draw: () => normal() + 1, within: 60 },
    { what: 'lower by a half', draw: () => normal() - 0.5, within: 250 },
    { what: 'twice as wide', draw: () => 2 * normal(), within: 80 },
    { what: 'half as wide', draw: () => 0.5 * normal(), within: 100 },
  ])('in half of the cases within $within inputs where values are $what', ({ draw, within }) => {
    for (const quiet of [0, 1500]) {
      const delays = stream(40, () => {
        const drift = new Drift(stream(1000, normal), random)
        for (const value of stream(quiet, normal)) drift.add(value)
        return delay(drift, 1e5, stream(1000, draw)) ?? Number.POSITIVE_INFINITY
      })
      expect(delays.sort((a, b) => a - b)[20]).toBeLessThanOrEqual(within)
    }
  })
})

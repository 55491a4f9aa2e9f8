import { pairedSpeedup } from '@tp/metrics'
import { expect, test } from 'vitest'
import { timeAdded } from './site-costs.ts'

const ROUNDS = 15

/** A model that takes 50 ms and one that takes longer: in a disturbed round one of them is slowed down. */
function added(longer: (round: number) => number, disturbed: readonly number[] = []) {
  const dense = new Array<number>(ROUNDS).fill(50)
  const cut = dense.map((_, round) => (disturbed.includes(round) ? 20 * longer(round) : longer(round)))
  return timeAdded(50, pairedSpeedup(dense, cut))
}

test('tells what a cut adds by pairs of runs, of which some may be disturbed', () => {
  const steady = (round: number): number => 52 + 0.1 * ((round % 5) - 2)
  for (const time of [added(steady), added(steady, [3, 7, 11])]) {
    expect(time?.milliseconds).toBeCloseTo(2, 0)
    expect([(time?.interval.low ?? 9) <= 2, (time?.interval.high ?? 0) >= 2]).toEqual([true, true])
  }
})

test('tells nothing where the runs contradict each other', () => {
  expect(added((round) => 52 + 3 * ((round % 5) - 2))).toBeUndefined()
  expect(added(() => 52, [0, 2, 4, 6, 8])).toBeUndefined()
  expect(added(() => 50)).toBeUndefined()
})

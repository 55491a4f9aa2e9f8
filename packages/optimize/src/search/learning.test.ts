import { findEntry } from '@tp/core/host'
import { methods } from '@tp/method-attention'
import { expect, test } from 'vitest'
import { type Candidate, namedVariant } from './candidate.ts'
import { couldGain } from './learning.ts'
import type { Screened } from './screening.ts'

const entry = findEntry(methods, 'received-attention') as (typeof methods)[0]
const variant = namedVariant({ entry }, [0])
const at = (pace: number): Candidate => ({ variant, shares: [1], pace })

/** Rows whose candidates take these times, relative to the dense model. */
const screened = (...paces: readonly number[]): Screened[] =>
  paces.map((pace) => ({
    row: { name: 'received-attention, first', variant, profile: [1], leastRatio: 0, sites: { layers: 2, sites: [0] } },
    candidates: [{ candidate: at(pace), divergence: 0 }],
  }))

test('learning is not worth its time where what holds is almost as fast as pruning can be', () => {
  expect(couldGain(at(0.45), screened(0.44, 0.6))).toBe(false)
  expect(couldGain(at(0.45), screened(0.3, 0.6))).toBe(true)
})

test('learning is worth its time where nothing holds, or nothing was tried', () => {
  expect(couldGain(undefined, screened(0.9))).toBe(true)
  expect(couldGain(at(0.45), [])).toBe(true)
})

import { TpError } from '@tp/core'
import { findEntry } from '@tp/core/host'
import type { ModelInputs } from '@tp/data/inputs'
import { methods } from '@tp/method-attention'
import { expect, test } from 'vitest'
import type { Measurer } from '../measurer.ts'
import type { MethodToTeach, Skipped } from '../options.ts'
import { type Candidate, namedVariant } from './candidate.ts'
import { couldGain, learnedVariants } from './learning.ts'
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

test('a method that cannot learn is skipped with the reason, and the search goes on', async () => {
  const skipped: Skipped[] = []
  const nothing = {
    source: '',
    targets: [],
    lengths: undefined,
    preparationMs: undefined,
    notes: [],
    feeds: async () => ({}),
  }
  const examples: ModelInputs = nothing
  const common = {
    ...{ measurer: { isLate: () => false, begin: () => {}, found: () => {} } as unknown as Measurer },
    ...{
      sites: [0, 2],
      learnable: [{ entry }, { entry }],
      examples,
      choosing: examples,
      onSkipped: (own: Skipped) => void skipped.push(own),
    },
  }
  const taught: (readonly number[])[] = []
  const failing = (code: 'TP_GRADIENT' | 'TP_ABORTED') => async (request: MethodToTeach) => {
    taught.push(request.layers)
    throw new TpError(code, 'autodiff', 'QuantizeLinear: this operator has no gradient here')
  }
  expect(await learnedVariants({ ...common, learn: failing('TP_GRADIENT') })).toEqual([])
  const reason = 'QuantizeLinear: this operator has no gradient here'
  // Values are needed for every layer where rows prune.
  expect(taught).toEqual([
    [0, 2],
    [0, 2],
  ])
  const refused = { name: 'received-attention', code: 'TP_GRADIENT', reason }
  // One that cannot learn keeps no other from learning.
  expect(skipped).toEqual([refused, refused])
  await expect(learnedVariants({ ...common, learn: failing('TP_ABORTED') })).rejects.toMatchObject({
    code: 'TP_ABORTED',
  })
})

import { describe, expect, test } from 'vitest'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import type { Method } from '../method/method.ts'
import type { Amount } from '../method/schedule.ts'
import { scorer } from '../method/scorer.ts'
import {
  abs,
  add,
  cast,
  constant,
  div,
  exp,
  greater,
  input,
  log,
  maximum,
  mul,
  pow,
  softmax,
  sqrt,
  squeeze,
  sub,
  sum,
  sumSquare,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { mayBeNaN, SiteValues } from './not-a-number.ts'
import { reduceTokens } from './reduce.ts'
import type { SiteSource } from './site-source.ts'
import { initialState } from './state.ts'

const none = (): never => {
  throw new Error('the test gives none')
}

/** The hidden state is the score. @returns for each row which tokens are kept */
function keptOf(
  scores: readonly (readonly number[])[],
  amount: Amount,
  {
    attended,
    protectedTokens = [0],
    method,
  }: { attended?: readonly (readonly number[])[]; protectedTokens?: number[]; method?: Method } = {},
): number[][] {
  const dims = [scores.length, scores[0]?.length ?? 0]
  const hidden = constant(scores.flat(), 'float32', [...dims, 1])
  const mask = attended && cast(constant(attended.flat(), 'int64', dims), 'bool')
  const nothing = { query: none, key: none, value: none, attention: none, attentionFrom: none, classToken: none }
  const source: SiteSource = { layer: 0, layerCount: 2, hidden, ...nothing }
  const { state } = reduceTokens({
    method: method ?? byHidden,
    source,
    state: initialState(hidden, mask, protectedTokens),
    amount,
  })
  const [position, valid] = evaluate([state.position, ...(state.attended ? [state.attended] : [])], {})
  const width = position?.dims[1] ?? 0
  return scores.map((_, row) =>
    Array.from(position?.data.slice(row * width, (row + 1) * width) as Float32Array, Number).filter(
      (_, slot) => valid === undefined || valid.data[row * width + slot] === 1,
    ),
  )
}

/** A root that the host cannot tell to be of a positive number. */
const byHidden = scorer({
  name: 'by-hidden',
  family: 'attention',
  score: ({ hidden }) => sub(add(squeeze(hidden, 2), sqrt(squeeze(hidden, 2))), sqrt(squeeze(hidden, 2))),
})

describe('a score that is NaN or infinite', () => {
  // the root of a negative number
  const scores = [
    [-1, 4, -1, 9, 1],
    [-1, -1, -1, -1, 4],
  ]

  test('ranks below all others, and does not remove a protected token', () => {
    expect(keptOf(scores, { kind: 'tokens', value: 3 })).toEqual([
      [0, 1, 3],
      [0, 1, 4],
    ])
    expect(keptOf(scores, { kind: 'tokens', value: 2 }, { protectedTokens: [0, 2] })).toEqual([
      [0, 2],
      [0, 2],
    ])
  })

  test('ranks above padding', () => {
    const attended = [
      [1, 1, 0, 0, 1],
      [0, 1, 1, 1, 0],
    ]
    expect(keptOf(scores, { kind: 'tokens', value: 3 }, { attended, protectedTokens: [] })).toEqual([
      [0, 1, 4],
      [1, 2, 3],
    ])
  })

  test('reaches no threshold and adds nothing to the mass', () => {
    expect(keptOf(scores, { kind: 'threshold', value: 2 })).toEqual([
      [0, 1, 3],
      [0, 4],
    ])
    expect(keptOf(scores, { kind: 'mass', value: 0.6 })).toEqual([
      [0, 3],
      [0, 4],
    ])
  })

  test('does not outrank protected tokens if it is infinite', () => {
    const method = scorer({ name: 'inverse', family: 'attention', score: ({ hidden }) => div(1, squeeze(hidden, 2)) })
    expect(keptOf([[9, 0, 0, 0, 5]], { kind: 'tokens', value: 2 }, { method })).toEqual([[0, 1]])
  })

  test('comes last in an order, too', () => {
    const method: Method = {
      name: 'ordered',
      family: 'attention',
      reduce: ({ hidden }) => ({ keep: greater(squeeze(hidden, 2), -5), order: sqrt(squeeze(hidden, 2)) }),
    }
    expect(keptOf([[3, -1, 4, 1, -9]], { kind: 'tokens', value: 5 }, { method })).toEqual([[0, 3, 2, 1]])
  })
})

describe('a score that may be NaN', () => {
  const values = new SiteValues()
  const x = values.give(input('x', 'float32', ['B', 'N']))
  const count = values.givePositive(input('count', 'float32', ['B']))
  const half = values.give(input('half', 'float16', ['B', 'N']))
  const unknown = input('carried', 'float32', ['B', 'N'])

  const never: readonly (readonly [string, Tensor])[] = [
    ['sums and products', mul(add(x, 2), sub(x, x))],
    ['a softmax', softmax(x)],
    ['divided by a count', div(x, unsqueeze(count, 1))],
    ['divided by what is kept above 0', div(x, maximum(x, 1e-12))],
    ['a norm', sqrt(sumSquare(unsqueeze(x, 2), 2))],
    ['a logarithm above 0', log(add(abs(x), 1))],
    ['half precision that is widened first', mul(cast(half, 'float32'), 2)],
    ['chosen by a comparison of anything', where(greater(unknown, 0), x, 1)],
  ]
  test.each(never)('adds no node where it cannot be: %s', (_what, score) => {
    expect(mayBeNaN(score, values)).toBe(false)
  })

  const perhaps: readonly (readonly [string, Tensor])[] = [
    ['divided by a sum', div(x, sum(x, 1, { keepDims: true }))],
    ['a root', sqrt(x)],
    ['a logarithm', log(x)],
    ['an exponential', exp(x)],
    ['a power', pow(x, 0.5)],
    ['half precision', mul(half, half)],
    ['a state that may be', add(unknown, x)],
    ['an infinite constant', add(x, constant([Number.POSITIVE_INFINITY]))],
  ]
  test.each(perhaps)('adds nodes where it can be: %s', (_what, score) => {
    expect(mayBeNaN(score, values)).toBe(true)
  })
})

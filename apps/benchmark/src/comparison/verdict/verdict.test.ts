import type { Interval, Speedup } from '@tp/eval/metrics'
import { describe, expect, test } from 'vitest'
import { breakEvenSentence } from './lengths.ts'
import { type Peer, peersSentence, togetherSentence } from './peers.ts'
import { chanceSentence, learnedSentence, noPruningSentence, pruningSentence } from './pruning.ts'
import { optimisationSentence, runtimeSentence } from './runtimes.ts'
import { shiftSentence } from './shift.ts'

const speed = (value: number, spread = 0.1): Speedup => ({ value, low: value - spread, high: value + spread })
const loss = (estimate: number, spread = 0.5): Interval => ({
  estimate,
  low: estimate - spread,
  high: estimate + spread,
})

describe('what was chosen', () => {
  const sentence = (speedup: Speedup, points: Interval): string =>
    pruningSentence({ subject: 'mail', name: 'a, keep 0.3,', allowed: 1, speedup, loss: points })

  test('fast, and within what was promised', () => {
    const text = sentence(speed(3.1), loss(0.1))
    expect(text).toContain('On mail, a, keep 0.3, is 3.10× (3.00 … 3.20) as fast as')
    expect(text).toContain('loses 0.1 points (−0.4 … 0.6) on test data, which cannot be told from none')
    expect(text).toContain('and keeps to it')
  })

  test('slower is called slower, and what is undecided is not called fast', () => {
    expect(sentence(speed(0.8), loss(0))).toContain('is slower than')
    expect(sentence(speed(1.05), loss(0))).toContain('cannot be told in speed')
    expect(sentence(speed(1.05), loss(0))).not.toContain('as fast as')
  })

  test('a broken promise is called one, and a doubtful one is not called kept', () => {
    expect(sentence(speed(2), loss(3))).toContain('does not keep to it')
    expect(sentence(speed(2), loss(3))).toContain('which can be measured')
    const doubtful = sentence(speed(2), loss(1.2))
    expect(doubtful).toContain('cannot be told from so many examples')
    expect(doubtful).not.toContain('and keeps to it')
  })

  test('a gain of accuracy is called one', () => {
    expect(sentence(speed(2), loss(-2))).toContain('which is a gain')
  })

  test('where nothing could be chosen that is said', () => {
    expect(noPruningSentence('mail', 1)).toContain('no method without training keeps within 1 point on')
  })
})

test('against chance: ahead, behind, or not told apart', () => {
  expect(chanceSentence('a', loss(2))).toBe('a is 2.0 points (1.5 … 2.5) ahead of random tokens at the same budget.')
  expect(chanceSentence('a', loss(-2))).toBe('a is 2.0 points (1.5 … 2.5) behind random tokens at the same budget.')
  expect(chanceSentence('a', loss(0.2))).toContain('is not told apart from random tokens')
})

test('what has learned, beside what has not: ahead, behind, or not told apart', () => {
  const about = {
    subject: 'mail',
    name: 'b, learned,',
    beside: 'a',
    speedup: speed(2),
    over: speed(1.2),
    loss: loss(0.2),
  }
  const text = learnedSentence({ ...about, lead: loss(2) })
  expect(text).toContain(
    'b, learned, is 2.00× (1.90 … 2.10) as fast as the model without its dead tokens and loses 0.2',
  )
  expect(text).toContain('1.20× (1.10 … 1.30) as fast as a, and 2.0 points (1.5 … 2.5) ahead of it')
  expect(learnedSentence({ ...about, lead: loss(-2) })).toContain('but 2.0 points (1.5 … 2.5) behind it')
  expect(learnedSentence({ ...about, lead: loss(0) })).toContain('not told apart from it in accuracy')
})

describe('other ways to save work', () => {
  const peers = (...values: [string, number][]): Peer[] =>
    values.map(([name, value]) => ({ name, speedup: speed(value), loss: loss(0) }))
  const ratio = (first: Peer, second: Peer): Speedup => speed(first.speedup.value / second.speedup.value)

  test('the fastest is named, whichever it is', () => {
    expect(peersSentence('mail', 1, peers(['pruning', 3], ['int8', 2]), ratio)).toContain(
      'pruning is the fastest: 3.00×',
    )
    expect(peersSentence('mail', 1, peers(['pruning', 2], ['int8', 3]), ratio)).toContain('int8 is the fastest: 3.00×')
  })

  test('what is as fast is named, too', () => {
    const text = peersSentence('mail', 1, peers(['pruning', 3], ['int8', 2.95], ['random', 2]), ratio)
    expect(text).toContain('pruning is the fastest, but not told apart from int8:')
  })

  test('nothing is called fastest where nothing is fast', () => {
    const text = peersSentence('mail', 2, peers(['pruning', 1.05], ['int8', 0.8]), ratio)
    expect(text).toContain('at most 2 points on calibration data, nothing is faster')
    expect(text).not.toContain('the fastest')
  })

  test('together with 8-bit products: multiply, nothing, or slower', () => {
    expect(togetherSentence('mail', speed(1.8))).toContain('multiply')
    expect(togetherSentence('mail', speed(1.02))).toContain('gains nothing that can be told')
    expect(togetherSentence('mail', speed(0.7))).toContain('slower')
  })
})

describe('by length', () => {
  const times = (...values: number[]) => values.map((value, i) => ({ tokens: 8 * 2 ** i, speedup: speed(value) }))

  test('from a length on, and slower below it', () => {
    const text = breakEvenSentence('a 0.7', 4, times(0.7, 1.05, 1.5, 2))
    expect(text).toContain('In batches of 4, a 0.7 is faster from 32 tokens on; most at 64 tokens, 2.00×')
    expect(text).toContain('It is slower at 8 tokens.')
  })

  test('everywhere', () => {
    expect(breakEvenSentence('a', 1, times(1.5, 2))).toContain('is faster at every length from 8 to 16 tokens')
  })

  test('nowhere, though it is faster in between', () => {
    const text = breakEvenSentence('a', 1, times(0.8, 1.5, 1))
    expect(text).toContain('has no length from which on it is faster, up to 32 tokens')
    expect(text).not.toContain('is faster from')
  })
})

test('two runtimes: more in one, more in the other, or not told apart', () => {
  expect(runtimeSentence('a', '1×128', speed(2), speed(1.5))).toContain('gains more in Node than in a browser')
  expect(runtimeSentence('a', '1×128', speed(1.5), speed(2))).toContain('gains more in a browser than in Node')
  expect(runtimeSentence('a', '1×128', speed(1.5), speed(1.55))).toContain('is not told apart')
})

test("onnxruntime's rewriting and pruning: each gains, does nothing, or costs", () => {
  expect(optimisationSentence(speed(1.5), speed(2))).toContain('gains 1.50× (1.40 … 1.60); pruning gains 2.00×')
  expect(optimisationSentence(speed(1), speed(1))).toContain('gains nothing that can be told')
  expect(optimisationSentence(speed(1), speed(1))).toContain('what pruning gains on top of it cannot be told')
  expect(optimisationSentence(speed(0.8), speed(0.8))).toMatch(/costs time.*pruning costs time/)
})

test('shifts: named where more is lost, and counted where nothing can be told', () => {
  const shift = (set: string, points: number) => ({ set, extra: loss(points) })
  const text = shiftSentence('mail', 'a', [shift('typos:3', 4), shift('upper-case:1', 0), shift('padding-after:3', -2)])
  expect(text).toContain('a loses more than in distribution under typos:3 (4.0 points (3.5 … 4.5) more)')
  expect(text).toContain('less under padding-after:3')
  expect(text).toContain('under 1 other shift the difference cannot be told')
  const less = shiftSentence('mail', 'a', [shift('typos:3', 0), shift('padding-after:3', -2)])
  expect(less).toBe(
    'On mail, a loses less than in distribution under padding-after:3; under 1 other shift the difference cannot be told.',
  )
  const none = shiftSentence('mail', 'a', [shift('typos:3', 0.2)])
  expect(none).toContain('loses no more that can be told than in distribution under any of 1 shifts')
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answerOf, answerOutput, logitRows, marginOf, uncertaintyOf } from './answer.ts'

const row = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 2, maxLength: 6 })

test('gives the uncertainties of the softmax', () => {
  fc.assert(
    fc.property(row, (logits) => {
      const total = logits.reduce((sum, x) => sum + Math.exp(x), 0)
      const shares = logits.map((x) => Math.exp(x) / total)
      expect(uncertaintyOf(logits, 'probability')).toBeCloseTo(1 - Math.max(...shares), 9)
      expect(uncertaintyOf(logits, 'entropy')).toBeCloseTo(-shares.reduce((sum, p) => sum + p * Math.log(p), 0), 6)
      const [first = 0, second = 0] = [...logits].sort((a, b) => b - a)
      expect(uncertaintyOf(logits, 'margin')).toBe(-(first - second))
      expect(logits[answerOf(logits)]).toBe(Math.max(...logits))
    }),
  )
})

test('distinguishes even the surest answers', () => {
  expect(uncertaintyOf([60, 0], 'probability')).toBeGreaterThan(uncertaintyOf([61, 0], 'probability'))
})

test.each(['probability', 'margin', 'entropy'] as const)(
  'uncertainty is infinite where a logit is not a number: %s',
  (kind) => {
    expect(uncertaintyOf([1, Number.NaN], kind)).toBe(Number.POSITIVE_INFINITY)
    expect(uncertaintyOf([Number.NaN, 1], kind)).toBe(Number.POSITIVE_INFINITY)
    expect(marginOf([Number.NaN, 1])).toBeNaN()
  },
)

test('takes the logits by the name of the output, or the only output of that form', () => {
  const output = (name: string, type = 'float32', dims: (string | number)[] = ['b', 2]) => ({ name, type, dims })
  expect(answerOutput([output('logits'), output('other')])).toBe('logits')
  expect(answerOutput([output('scores'), output('tp.trace.1.score'), output('states', 'float32', ['b', 'n', 8])])).toBe(
    'scores',
  )
  expect(answerOutput([output('a'), output('b')], 'b')).toBe('b')
  const noOutput = expect.objectContaining({ code: 'TP_OUTPUT' })
  expect(() => answerOutput([output('a'), output('b')])).toThrow(noOutput)
  expect(answerOutput([output('score', 'float32', ['b', 1])])).toBe('score')
  expect(() => answerOutput([output('logits')], 'scores')).toThrow(noOutput)
})

test('one logit is that of class 1, and the nearer it is to 0 the less certain', () => {
  const logits = { type: 'float32', dims: [3, 1], data: Float32Array.of(3, -3, 0.5) }
  const rows = logitRows({ score: logits }, 'score')
  expect(rows.map((row) => [...row])).toEqual([
    [0, 3],
    [0, -3],
    [0, 0.5],
  ])
  const [sure = 0, as = 0, unsure = 0] = rows.map((row) => uncertaintyOf(row, 'probability'))
  expect(sure).toBeCloseTo(1 / (1 + Math.exp(3)), 12)
  expect(as).toBeCloseTo(sure, 12)
  expect(unsure).toBeGreaterThan(sure)
})

test('a probability is as uncertain as its logits', () => {
  const of = (form: 'softmax' | 'sigmoid', dims: number[], ...data: number[]) =>
    logitRows({ answer: { type: 'float32', dims, data: Float32Array.from(data) } }, 'answer', form).map((row) =>
      uncertaintyOf(row, 'probability'),
    )
  expect(of('softmax', [2, 3], 0.7, 0.2, 0.1, 0, 0, 1)).toEqual([expect.closeTo(0.3, 6), expect.closeTo(0, 6)])
  const expected = [expect.closeTo(0.1, 6), expect.closeTo(0.1, 6), expect.closeTo(0.5, 6)]
  expect(of('sigmoid', [3, 1], 0.9, 0.1, 0.5)).toEqual(expected)
  expect(of('sigmoid', [3], 0.9, 0.1, 0.5)).toEqual(expected)
})

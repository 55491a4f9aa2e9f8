import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answerOf, answerOutput, marginOf, uncertaintyOf } from './answer.ts'

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
  'is infinitely uncertain where a logit is not a number: %s',
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
  expect(() => answerOutput([output('logits', 'float32', ['b', 1])])).toThrow(noOutput)
  expect(() => answerOutput([output('logits')], 'scores')).toThrow(noOutput)
})

import { randomNumbers } from '@tp/eval'
import { expect, test } from 'vitest'
import { calibrateCascade } from './calibrate-cascade.ts'
import { type Guard, readGuard } from './guard-file.ts'

const random = randomNumbers(1)
const logits = Array.from({ length: 200 }, () => [random(), random()])
const guard: Guard = {
  format: 1,
  models: { pruned: 'a', dense: 'b' },
  cascade: calibrateCascade({
    pruned: logits,
    dense: logits.map(([a = 0, b = 0], i) => (i < 30 ? [b, a] : [a, b])),
    agreement: 0.9,
    speedup: 2,
  }),
  monitor: { signals: { margin: [1, 2.5], mass: [0.5, 0.25] } },
}

test('a guard is the same again from its text, or from what the text says', () => {
  const text = JSON.stringify(guard)
  expect(guard.cascade.threshold).not.toBeNull()
  expect(readGuard(text, 'guard.json')).toEqual(guard)
  expect(readGuard(JSON.parse(text), 'guard.json')).toEqual(guard)
})

test.each<[string, unknown, string]>([
  ['no JSON', '{', 'this is no JSON'],
  ['no object', '[]', 'this is no guard'],
  ['another format', { ...guard, format: 2 }, 'format is 2'],
  ['no cascade', { format: 1, monitor: guard.monitor }, 'cascade is missing'],
  [
    'a threshold that is none',
    { ...guard, cascade: { ...guard.cascade, threshold: '0.1' } },
    'cascade.threshold is "0.1"',
  ],
  [
    'an unknown uncertainty',
    { ...guard, cascade: { ...guard.cascade, uncertainty: 'variance' } },
    'probability, margin, entropy',
  ],
  [
    'no confidence',
    { ...guard, cascade: { ...guard.cascade, confidence: undefined } },
    'cascade.confidence is missing',
  ],
  [
    'a share beyond 1',
    { ...guard, cascade: { ...guard.cascade, share: { estimate: 2, low: 0, high: 1 } } },
    'cascade.share',
  ],
  ['no monitor', { format: 1, cascade: guard.cascade }, 'monitor.signals is missing'],
  ['an unknown signal', { ...guard, monitor: { signals: { entropy: [1] } } }, 'there are margin, mass, kept'],
  ['values that are no numbers', { ...guard, monitor: { signals: { margin: [null] } } }, 'a list of numbers'],
  ['models that are no hashes', { ...guard, models: { pruned: 1 } }, 'models'],
])('refused: %s', (_, value, message) => {
  expect(() => readGuard(value, 'guard.json')).toThrow(
    expect.objectContaining({ code: 'TP_GUARD', where: 'guard.json', message: expect.stringContaining(message) }),
  )
})

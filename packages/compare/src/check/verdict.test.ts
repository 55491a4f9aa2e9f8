import { expect, test } from 'vitest'
import { verdictOf } from './verdict.ts'

const loss = (estimate: number, low: number, high: number, same = false) => ({
  unit: 'points of accuracy',
  interval: { estimate, low, high },
  same,
})
const speed = (value: number, low: number, high: number) => ({ value, low, high })
const fast = speed(1.64, 1.6, 1.7)
const demands = { maxLoss: 0.5, confident: false }

test('says yes if the whole interval of the loss is allowed and the speed-up is above 1', () => {
  expect(verdictOf({ loss: loss(0.1, -0.2, 0.4), speedup: fast, examples: 872 }, demands)).toEqual({
    answer: 'yes',
    passed: true,
    text: 'yes: 1.64× (1.60 … 1.70) as fast as dense, and it loses 0.1 (−0.2 … 0.4) points of accuracy',
  })
})

test('says no beyond the allowed loss, and that it does not hold', () => {
  const { answer, passed, text } = verdictOf({ loss: loss(2.3, 1.1, 3.4), speedup: fast, examples: 872 }, demands)
  expect([answer, passed]).toEqual(['no', false])
  expect(text).toContain('no: it loses 2.3 (1.1 … 3.4) points of accuracy, and 0.5 are allowed')
})

test('says that it is not shown where the interval reaches beyond; it holds unless confidence is demanded', () => {
  const measured = { loss: loss(0.3, -1.8, 2.5), speedup: fast, examples: 300 }
  expect(verdictOf(measured, demands)).toEqual({
    answer: 'not shown',
    passed: true,
    text: 'not shown: 1.64× (1.60 … 1.70) as fast as dense, but 300 examples do not show that it loses at most 0.5 points of accuracy: 0.3 (−1.8 … 2.5)',
  })
  expect(verdictOf(measured, { ...demands, confident: true })).toMatchObject({ answer: 'not shown', passed: false })
  const more = verdictOf({ loss: loss(0.2, -1.1, 0.8), speedup: fast, examples: 1000 }, demands)
  // (0.8 − 0.2)² ÷ (0.5 − 0.2)² = 4 times as many
  expect(more.text).toMatch(/0\.2 \(−1\.1 … 0\.8\); about 4,000 like these would$/)
  const few = verdictOf({ loss: loss(0.2, -0.6, 0.502), speedup: fast, examples: 1008 }, demands)
  expect(few.text).toMatch(/about 1,100 like these would$/)
})

test('says that examples to which the dense model gives one answer show nothing, though no answer changes', () => {
  const unshown = 'gives all examples the same class, so they cannot show a loss; give examples of all classes'
  const measured = { loss: { ...loss(0, -0.1, 0.1), unshown }, speedup: fast, examples: 1000 }
  expect(verdictOf(measured, demands)).toEqual({
    answer: 'not shown',
    passed: true,
    text: 'not shown: 1.64× (1.60 … 1.70) as fast as dense, but the dense model gives all examples the same class, so they cannot show a loss; give examples of all classes',
  })
  expect(verdictOf(measured, { ...demands, confident: true }).passed).toBe(false)
})

test('takes an interval that was drawn from few examples for nothing shown, however narrow it is', () => {
  const measured = { loss: { ...loss(0, 0, 0), drawn: 12 }, speedup: fast, examples: 24 }
  expect(verdictOf(measured, demands)).toEqual({
    answer: 'not shown',
    passed: true,
    text: 'not shown: 1.64× (1.60 … 1.70) as fast as dense, but 12 examples do not show that it loses at most 0.5 points of accuracy: 0.0 (0.0 … 0.0); it takes 300',
  })
  expect(verdictOf(measured, { ...demands, confident: true }).passed).toBe(false)
  expect(verdictOf({ ...measured, loss: { ...loss(0, 0, 0, true), drawn: 12 } }, demands).answer).toBe('yes')
  expect(verdictOf({ ...measured, loss: { ...loss(0, 0, 0), drawn: 300 } }, demands).answer).toBe('yes')
})

test('needs no examples where all outputs are the dense ones', () => {
  const measured = { loss: loss(0, -60, 60, true), speedup: speed(1.1, 1.08, 1.12), examples: 2 }
  expect(verdictOf(measured, { maxLoss: 0, confident: true })).toEqual({
    answer: 'yes',
    passed: true,
    text: 'yes: 1.10× (1.08 … 1.12) as fast as dense, and all outputs are the dense ones',
  })
})

test('says no to what is slower, or less fast than demanded', () => {
  const exact = loss(0, 0, 0, true)
  const slower = verdictOf({ loss: exact, speedup: speed(0.9, 0.88, 0.93), examples: 9 }, demands)
  expect(slower).toMatchObject({ answer: 'no', passed: false, text: expect.stringContaining('it is slower: 0.90×') })
  const less = verdictOf({ loss: exact, speedup: fast, examples: 9 }, { ...demands, minSpeedup: 2 })
  expect(less).toMatchObject({ answer: 'no', text: expect.stringContaining('and 2.00× is demanded') })
})

test('takes no interval that covers 1 for a difference in speed', () => {
  const measured = { loss: loss(0, 0, 0, true), speedup: speed(0.99, 0.96, 1.02), examples: 9 }
  expect(verdictOf(measured, demands)).toMatchObject({
    answer: 'not shown',
    passed: true,
    text: expect.stringContaining('no measurable difference in speed'),
  })
})

test('requires the answers that change to be few for confidence without labels', () => {
  const expected = {
    unit: 'points of expected accuracy',
    interval: { estimate: 0.1, low: 0, high: 0.4 },
    same: false,
    most: 1.2,
  }
  const measured = { loss: expected, speedup: fast, examples: 872 }
  expect(verdictOf(measured, demands)).toMatchObject({ answer: 'yes', passed: true })
  expect(verdictOf(measured, { ...demands, confident: true })).toMatchObject({
    answer: 'not shown',
    passed: false,
    text: expect.stringContaining('loses at most 0.5 points of expected accuracy: 0.1 (0.0 … 1.2)'),
  })
})

test('never says yes on examples that chose the plan, and says how many others are not counted', () => {
  const measured = { loss: loss(0.1, -0.2, 0.4), speedup: fast, examples: 1200, chose: 800 }
  const seen = verdictOf({ ...measured, isOfOthers: false }, demands)
  expect(seen).toMatchObject({ answer: 'not shown', passed: true })
  expect(seen.text).toMatch(
    /^not shown: 1\.64× .*; but 800 of 1,200 examples chose or taught it, and flatter it; give others$/,
  )
  expect(verdictOf({ ...measured, isOfOthers: false }, { ...demands, confident: true }).passed).toBe(false)
  const slow = verdictOf({ ...measured, speedup: speed(0.9, 0.8, 0.95), isOfOthers: false }, demands)
  expect(slow).toMatchObject({ answer: 'no', passed: false })
  const others = verdictOf({ ...measured, isOfOthers: true }, demands)
  expect([others.answer, others.text]).toEqual(['yes', expect.stringMatching(/; 800 more examples chose or taught it/)])
})

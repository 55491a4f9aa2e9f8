import { expect, test } from 'vitest'
import { finish, guardRepeats } from './guard-repeats.ts'
import { repeats } from './repeats.ts'

/** The first number of tokens that repeat themselves; undefined if none do. */
function noticedAfter(tokens: readonly (number | bigint)[]): number | undefined {
  return tokens.map((_, i) => i + 1).find((length) => repeats(tokens.slice(0, length)))
}

const over = (tokens: readonly number[], times: number): number[] => Array.from({ length: times }, () => tokens).flat()
const sentence = (count: number): number[] => Array.from({ length: count }, (_, i) => 1000 + i)

test('a loop of a few tokens is noticed before it has sixteen, whatever comes before it', () => {
  for (const period of [1, 2, 3, 4, 5]) {
    const loop = over([7, 8, 9, 10, 11].slice(0, period), 40)
    expect(noticedAfter(loop)).toBeLessThan(16)
    expect(noticedAfter([...sentence(40), ...loop])).toBeLessThanOrEqual(40 + 16)
  }
  expect(noticedAfter(over([7, 8, 9, 10], 40).map(BigInt))).toBe(10)
})

test('a sentence that comes over and over is noticed before it has come five times', () => {
  for (const period of [8, 13, 26, 40, 70]) {
    const after = noticedAfter(over(sentence(period), 6)) as number
    expect(after / period).toBeGreaterThan(1.9)
    expect(after / period).toBeLessThan(5)
  }
})

test('a loop is noticed in which a number rises', () => {
  const counting = Array.from({ length: 30 }, (_, i) => [i, 101, 102, 103, 104, 105]).flat()
  expect(noticedAfter(counting)).toBeLessThan(60)
})

test('speech in which words and phrases come again is not a loop', () => {
  expect(noticedAfter([])).toBeUndefined()
  expect(noticedAfter(over([5], 9))).toBeUndefined()
  expect(noticedAfter([...sentence(30), ...sentence(30)])).toBeUndefined()
  // Four phrases that begin and end alike.
  expect(noticedAfter([1, 2, 3, 4].flatMap((own) => [50, 51, 52, own, own + 10, own + 20, 60, 61]))).toBeUndefined()
})

async function* write(tokens: readonly number[], stop: (tokens: readonly number[]) => boolean = () => false) {
  const text: number[] = []
  for (const token of tokens) {
    text.push(token)
    if (stop(text)) break
    yield
  }
  return text
}

const loop = over([1, 2, 3, 4], 20)

test('a text that repeats itself is that of the whole encoder, and ends there at the latest', async () => {
  const guarded = guardRepeats({ pruned: (stop) => write(loop, stop), whole: () => write([1, 2, 3, 4]) })
  expect(await finish(guarded)).toEqual({ text: [1, 2, 3, 4], repeated: true, byWhole: true })
  let steps = 0
  for await (const _ of guardRepeats({ pruned: (stop) => write(loop, stop), whole: () => write([1, 2, 3, 4]) })) steps++
  expect(steps).toBe(9 + 4)
})

test('the text of the whole encoder counts if it repeats itself as well', async () => {
  const guarded = guardRepeats({ pruned: (stop) => write(loop, stop), whole: () => write(loop) })
  expect(await finish(guarded)).toEqual({ text: loop, repeated: true, byWhole: true })
})

test('a text without repetition is that of the pruned encoder alone', async () => {
  const guarded = guardRepeats({
    pruned: (stop) => write(sentence(50), stop),
    whole: () => {
      throw new Error('not needed')
    },
  })
  expect(await finish(guarded)).toEqual({ text: sentence(50), repeated: false, byWhole: false })
})

test('without a whole encoder a text that repeats itself is written to its end, and marked', async () => {
  const guarded = guardRepeats({ pruned: (stop) => write(loop, stop) })
  expect(await finish(guarded)).toEqual({ text: loop, repeated: true, byWhole: false })
})

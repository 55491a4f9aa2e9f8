import { randomNumbers } from '@tp/core/statistics'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { typos } from './typos.ts'

const write = (text: string, rate: number, seed: number): string => typos(rate).apply(text, randomNumbers(seed))
const lower = fc.stringMatching(/^[a-z]{1,12}$/)
const text = fc
  .array(fc.oneof(lower, fc.string({ unit: 'grapheme', maxLength: 8 })), { maxLength: 20 })
  .map((words) => words.join(' '))

/** Edits of two neighboring letters at most, by removing what both words begin and end with. */
function isOneSlip(word: string, written: string): boolean {
  let start = 0
  while (start < written.length && word[start] === written[start]) start++
  let end = 0
  while (end < Math.min(word.length, written.length) - start && word.at(-1 - end) === written.at(-1 - end)) end++
  const [gone, came] = [word.slice(start, word.length - end), written.slice(start, written.length - end)]
  const swapped = gone.length === 2 && came === `${gone[1]}${gone[0]}`
  const dropped = gone.length === 1 && came === ''
  const doubled = gone === '' && came.length === 1 && word.includes(came)
  const besides = gone.length === 1 && came.length === 1
  return start > 0 && (swapped || dropped || doubled || besides)
}

test('changes every word of four letters at rate 1, once after its first letter', () => {
  fc.assert(
    fc.property(fc.array(lower, { minLength: 1, maxLength: 20 }), fc.nat(), (words, seed) => {
      const written = write(words.join(' '), 1, seed).split(' ')
      expect(written).toHaveLength(words.length)
      for (const [i, word] of words.entries()) {
        if (word.length < 4) expect(written[i]).toBe(word)
        else expect(isOneSlip(word, written[i] as string), `${word} → ${written[i]}`).toBe(true)
      }
    }),
  )
})

test('keeps the typos of a lower rate at a higher one, and changes no fewer words', () => {
  const rate = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.array(lower, { maxLength: 20 }), fc.nat(), rate, rate, (words, seed, a, b) => {
      const whole = words.join(' ')
      const [few, more] = [Math.min(a, b), Math.max(a, b)].map((rate) => write(whole, rate, seed).split(' '))
      for (const [i, word] of whole.split(' ').entries()) {
        if (few?.[i] !== word) expect(more?.[i]).toBe(few?.[i])
      }
    }),
  )
})

test('changes about as many words as the rate says', () => {
  const words = Array.from({ length: 4000 }, () => 'something')
  const hit = write(words.join(' '), 0.2, 1)
    .split(' ')
    .filter((word) => word !== 'something').length
  // four standard deviations of the binomial distribution
  expect(Math.abs(hit - 800)).toBeLessThan(4 * Math.sqrt(4000 * 0.2 * 0.8))
})

test('changes nothing but words and splits no character', () => {
  fc.assert(
    fc.property(text, fc.nat(), (whole, seed) => {
      const written = write(whole, 1, seed)
      const others = (some: string): string => some.replace(/[\p{L}\p{M}]+/gu, '')
      expect(others(written)).toBe(others(whole))
      if (!/\p{Cs}/u.test(whole)) expect(written).not.toMatch(/\p{Cs}/u)
    }),
  )
})

test('replaces a letter by an adjacent key, in the same case', () => {
  // far more than enough draws to meet every slip
  const written = new Set(Array.from({ length: 400 }, (_, seed) => write('QQQQ', 1, seed)))
  expect([...written].sort()).toEqual(['QAQQ', 'QQAQ', 'QQQ', 'QQQA', 'QQQQQ', 'QQQW', 'QQWQ', 'QWQQ'])
})

test.each([-0.1, 1.1, Number.NaN])('refuses a rate of %d', (rate) => {
  expect(() => typos(rate)).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
})

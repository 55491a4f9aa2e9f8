import { randomNumbers } from '@tp/core/statistics'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { neutralSentences } from './neutral-sentences.ts'
import { type PaddingPlace, padding } from './padding.ts'
import { countWords } from './words.ts'

const places: readonly PaddingPlace[] = ['before', 'after', 'around']
const text = fc.stringMatching(/^[a-z]{1,6}( [a-z]{1,6}){0,30}$/)
const factor = fc.double({ min: 1, max: 6, noNaN: true })
const longest = Math.max(...neutralSentences.map(countWords))

test('keeps the text whole and grows it by the factor, less than one sentence over', () => {
  fc.assert(
    fc.property(text, factor, fc.constantFrom(...places), fc.nat(), (text, factor, place, seed) => {
      const padded = padding(place, factor).apply(text, randomNumbers(seed))
      if (place === 'before') expect(padded.endsWith(text)).toBe(true)
      if (place === 'after') expect(padded.startsWith(text)).toBe(true)
      expect(` ${padded} `).toContain(` ${text} `)
      const [words, expected] = [countWords(padded), factor * countWords(text)]
      expect(words).toBeGreaterThanOrEqual(expected - 1e-9)
      expect(words).toBeLessThan(expected + longest + 1)
    }),
  )
})

test('adds to the padding of a smaller factor for a larger one', () => {
  fc.assert(
    fc.property(text, factor, factor, fc.nat(), (text, a, b, seed) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)].map((factor) =>
        padding('after', factor).apply(text, randomNumbers(seed)),
      )
      expect(large?.startsWith(small as string)).toBe(true)
    }),
  )
})

test('adds to both sides equally with around', () => {
  const padded = padding('around', 4).apply('one two three four five six seven eight', randomNumbers(2))
  const [before = '', after = ''] = padded.split('one two three four five six seven eight')
  const sentences = (part: string): number => part.split('.').length - 1
  expect(Math.abs(sentences(before) - sentences(after))).toBeLessThanOrEqual(1)
  expect(sentences(after)).toBeGreaterThan(0)
})

test('draws given sentences, each once before any repeats', () => {
  const padded = padding('before', 5, ['A b.', 'C d.']).apply('x y', randomNumbers(1))
  expect(padded.replace(' x y', '').match(/A b\.|C d\./g)).toHaveLength(4)
  expect(padded.match(/A b\./g)).toHaveLength(2)
})

test('refuses nothing to add and a factor below 1', () => {
  const refused = expect.objectContaining({ code: 'TP_OPTION' })
  expect(() => padding('before', 2, [' '])).toThrow(refused)
  expect(() => padding('before', 0.5)).toThrow(refused)
})

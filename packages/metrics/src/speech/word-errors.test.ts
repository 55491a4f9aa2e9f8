import fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorsOfBeginnings, wordErrors, wordsOf } from './word-errors.ts'

test('compares words, not how they are written', () => {
  expect(wordsOf("It's — he said — “Well-known”, isn’t it?").join(' ')).toBe('it is he said well known isn t it')
  expect(wordsOf('  Ça va, naïve Straße… l’eau', 'fr')).toEqual(['ça', 'va', 'naïve', 'straße', 'l', 'eau'])
})

test('takes each character as a word in languages that do not part them', () => {
  expect(wordsOf('東京は、晴れ。', 'ja')).toEqual(['東', '京', 'は', '晴', 'れ'])
  expect(wordsOf('コーヒー 3 杯', 'ja')).toEqual(['コ', 'ー', 'ヒ', 'ー', '3', '杯'])
  expect(wordsOf('안녕 하세요', 'ko')).toEqual(['안녕', '하세요'])
})

test('omits what stands in brackets', () => {
  expect(wordsOf('Das ist [Musik] gut (lacht) <unk> so', 'de')).toEqual(['das', 'ist', 'gut', 'so'])
})

test.each([
  ['the birch canoe slid', 'the birch canoe slid', 0],
  ['the birch canoe slid', 'the beach canoe slid', 1],
  ['the birch canoe slid', 'the canoe slid', 1],
  ['the birch canoe slid', 'oh the birch canoe slid down', 2],
  ['', 'something', 1],
  ['something', '', 1],
])('counts the wrong words of “%s” written down as “%s”: %i', (said, written, errors) => {
  expect(wordErrors(wordsOf(said), wordsOf(written))).toBe(errors)
})

test('word errors are a distance', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 7 })
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(wordErrors(a, b)).toBe(wordErrors(b, a))
      expect(wordErrors(a, b) === 0).toBe(a.join() === b.join())
      expect(wordErrors(a, c)).toBeLessThanOrEqual(wordErrors(a, b) + wordErrors(b, c))
      expect(wordErrors(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length))
    }),
  )
})

test('counts the errors against each beginning as those of its words', () => {
  const [said, written] = ['a b c d e'.split(' '), 'a x c'.split(' ')]
  const each = Array.from({ length: said.length + 1 }, (_, i) => wordErrors(said.slice(0, i), written))
  expect(errorsOfBeginnings(said, written)).toEqual(each)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { piecesOf } from './pieces.ts'

test('finds tokens in the text, whatever the tokenizer did to case and accents', () => {
  const pieces = piecesOf('Ça va, naïve?', ['', 'ca', 'va', ',', 'na', '##ive', '?', ''])
  expect(pieces).toEqual([
    { text: 'Ça', token: 1 },
    { text: ' ', token: undefined },
    { text: 'va', token: 2 },
    { text: ',', token: 3 },
    { text: ' ', token: undefined },
    { text: 'na', token: 4 },
    { text: 'ïve', token: 5 },
    { text: '?', token: 6 },
  ])
})

test('keeps a word between tokens that no token shows', () => {
  const pieces = piecesOf('see 😀 there', ['see', '', 'there'])
  expect(pieces.filter(({ token }) => token === undefined)).toEqual([{ text: ' 😀 ', token: undefined }])
})

test('gives the text when the pieces are joined', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.string()), (text, tokens) => {
      const whole = piecesOf(text, tokens).map((piece) => piece.text)
      expect(whole.join('')).toBe(text)
    }),
  )
})

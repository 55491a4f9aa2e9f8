import { randomNumbers } from '@tp/core/statistics'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LetterCase, letterCase } from './letter-case.ts'

const write = (text: string, to: LetterCase, share?: number): string =>
  letterCase(to, share).apply(text, randomNumbers(5))

test('writes in upper, lower and title case', () => {
  const text = "It's über-good, NOT bad"
  expect(write(text, 'upper')).toBe("IT'S ÜBER-GOOD, NOT BAD")
  expect(write(text, 'lower')).toBe("it's über-good, not bad")
  expect(write(text, 'title')).toBe("It'S Über-Good, Not Bad")
})

test('changes nothing but the case of letters', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-zA-Z ,.é]*$/),
      fc.constantFrom('upper', 'lower', 'title', 'random'),
      (text, to) => {
        expect(write(text, to as LetterCase).toLowerCase()).toBe(text.toLowerCase())
      },
    ),
  )
})

test('mixes both cases at random, in a share of the words', () => {
  const letters = [...write('a'.repeat(2000), 'random')]
  const upper = letters.filter((letter) => letter === 'A').length
  expect(Math.abs(upper - 1000)).toBeLessThan(4 * Math.sqrt(500))
  const words = write('word '.repeat(2000), 'upper', 0.3).split(' ')
  expect(Math.abs(words.filter((word) => word === 'WORD').length - 600)).toBeLessThan(4 * Math.sqrt(2000 * 0.3 * 0.7))
})

import { expect, test } from 'vitest'
import { divideWords } from './divide-words.ts'

const wordsOf = (text: string): string[] => text.split(' ').filter((word) => word !== '')

test('gives each clip its spoken words', () => {
  const said = wordsOf('the cat sat on the mat and slept')
  const texts = [
    [wordsOf('the cat sad'), wordsOf('a cat sat')],
    [wordsOf('on the'), wordsOf('on the mat')],
    [wordsOf('mat and slept'), wordsOf('mat and slept')],
  ]
  expect(divideWords(said, texts).map((words) => words.join(' '))).toEqual(['the cat sat', 'on the', 'mat and slept'])
})

test('gives all words, whatever is written', () => {
  const said = wordsOf('one two three')
  for (const texts of [
    [[[]], [[]]],
    [[wordsOf('x y z w')], [[]]],
  ])
    expect(divideWords(said, texts).flat()).toEqual(said)
})

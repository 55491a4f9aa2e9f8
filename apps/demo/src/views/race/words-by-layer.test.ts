import { expect, test } from 'vitest'
import { wordsByLayer } from './words-by-layer.ts'

const piece = (text: string, token?: number) => ({ text, token })

test('joins pieces of a word that are pruned together, and lists what is kept last', () => {
  const pieces = [
    piece('re', 0),
    piece('ply', 1),
    piece(' '),
    piece('to', 2),
    piece(' '),
    piece('da', 3),
    piece('y', 4),
  ]
  const trace = {
    prunedAt: [1, 1, 2, undefined, 2],
    steps: [
      { layer: 1, kept: 3 },
      { layer: 2, kept: 1 },
    ],
  }
  expect(wordsByLayer(pieces, trace)).toEqual([
    { layer: 1, words: ['reply'] },
    { layer: 2, words: ['to', 'y'] },
    { layer: undefined, words: ['da'] },
  ])
})

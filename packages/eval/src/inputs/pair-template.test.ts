import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutToRoom, pairTemplateOf } from './pair-template.ts'

const [CLS, SEP, A] = [101, 102, 1037]

test('special tokens and segments are read from an encoded pair', () => {
  const bert = pairTemplateOf([A], [CLS, A, SEP, A, SEP], [0, 0, 0, 1, 1])
  expect(bert?.size).toBe(3)
  expect(bert?.fill([7, 8], [9, 10, 11])).toEqual({
    ids: [CLS, 7, 8, SEP, 9, 10, 11, SEP],
    segments: [0, 0, 0, 0, 1, 1, 1, 1],
  })
})

test('two separators between the texts, and a text of several tokens, are found', () => {
  const roberta = pairTemplateOf([5, 6], [0, 5, 6, 2, 2, 5, 6, 2])
  expect(roberta?.size).toBe(4)
  expect(roberta?.fill([7], [8])).toEqual({ ids: [0, 7, 2, 2, 8, 2], segments: [0, 0, 0, 0, 0, 0] })
})

test('a tokenizer that drops the second text has no template', () => {
  expect(pairTemplateOf([A], [CLS, A, SEP])).toBeUndefined()
})

test('the longer text is cut first, and no more than needed', () => {
  const texts = fc.array(fc.nat(), { maxLength: 40 })
  fc.assert(
    fc.property(texts, texts, fc.integer({ min: 2, max: 90 }), (first, second, room) => {
      const [one, other] = cutToRoom(first, second, room)
      expect([one, other]).toEqual([first.slice(0, one.length), second.slice(0, other.length)])
      expect(one.length + other.length).toBe(Math.min(room, first.length + second.length))
      const half = Math.floor(room / 2)
      for (const [all, cut] of [
        [first, one],
        [second, other],
      ] as const)
        expect(cut.length).toBeGreaterThanOrEqual(Math.min(all.length, half))
    }),
  )
})

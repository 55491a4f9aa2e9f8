import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutToRoom } from './cut-to-room.ts'

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

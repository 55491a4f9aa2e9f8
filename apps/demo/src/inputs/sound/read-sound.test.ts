import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loudest } from './read-sound.ts'

test('takes the part that contains the word', () => {
  const samples = new Float32Array(8000)
  samples.fill(0.5, 5000, 6000)
  const part = loudest(samples, 2000)
  expect(part).toHaveLength(2000)
  expect(part.filter((sample) => sample > 0)).toHaveLength(1000)
})

test('keeps a short sound whole', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 500 }), (values) => {
      const samples = Float32Array.from(values)
      expect(loudest(samples, 500)).toEqual(samples)
    }),
  )
})

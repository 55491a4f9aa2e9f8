import { randomNumbers } from '@tp/core/statistics'
import type { Sound } from '@tp/data/inputs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shifts } from '../shifts.ts'
import { gain } from './gain.ts'
import { soundNoise } from './noise.ts'
import { timeShift } from './time-shift.ts'

const tone: Sound = { sampleRate: 8000, samples: Float32Array.from({ length: 8000 }, (_, i) => Math.sin(i / 7) / 4) }
const power = (samples: ArrayLike<number>): number =>
  Array.from(samples).reduce((sum, x) => sum + x * x, 0) / samples.length
const difference = (a: Sound, b: Sound): number[] => Array.from(a.samples, (x, i) => x - (b.samples[i] as number))

const sound: fc.Arbitrary<Sound> = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 60 })
  .map((samples) => ({ sampleRate: 100, samples: Float32Array.from(samples) }))

test.each(shifts.audio.map((entry) => [entry.name, entry] as const))(
  '%s keeps the rate and the length, in −1…1',
  (_, { create, levels }) => {
    fc.assert(
      fc.property(sound, fc.constantFrom(...levels), fc.nat(), (original, level, seed) => {
        const { sampleRate, samples } = create(level).apply(original, randomNumbers(seed))
        expect(sampleRate).toBe(100)
        expect(samples).toHaveLength(original.samples.length)
        expect(samples.every((x) => x >= -1 && x <= 1)).toBe(true)
      }),
    )
  },
)

/** Loud at its beginning, so that any translation in time is seen. */
const fading: Sound = { sampleRate: 8000, samples: Float32Array.from({ length: 8000 }, (_, i) => 1 - i / 8000) }

test.each(shifts.audio.map((entry) => [entry.name, entry] as const))(
  '%s distorts more with each severity',
  (name, entry) => {
    const original = name === 'time-shift' ? fading : tone
    const distances = entry.levels.map((level) =>
      power(difference(entry.create(level).apply(original, randomNumbers(3)), original)),
    )
    expect(distances[0]).toBe(0)
    for (let i = 1; i < distances.length; i++) expect(distances[i]).toBeGreaterThan(distances[i - 1] as number)
  },
)

test.each([30, 10, 0])('adds noise that is %d dB weaker than the sound', (ratio) => {
  // small, so that nothing is clipped
  const quiet = gain(-20).apply(tone, randomNumbers(0))
  const noise = difference(soundNoise(ratio).apply(quiet, randomNumbers(1)), quiet)
  expect(10 * Math.log10(power(quiet.samples) / power(noise))).toBeCloseTo(ratio, 0)
})

test('multiplies by the gain and clips', () => {
  const louder = gain(20).apply({ sampleRate: 1, samples: Float32Array.of(0.01, -0.05, 0.5, -0.5) }, randomNumbers(0))
  expect(louder.samples[0]).toBeCloseTo(0.1, 6)
  expect(louder.samples[1]).toBeCloseTo(-0.5, 6)
  expect([...louder.samples.subarray(2)]).toEqual([1, -1])
})

test('shifts samples in time either way and fills with silence', () => {
  const steps = { sampleRate: 10, samples: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) }
  const seen = new Set(
    Array.from({ length: 20 }, (_, seed) => timeShift(0.3).apply(steps, randomNumbers(seed)).samples.join()),
  )
  expect(seen).toEqual(new Set(['4,5,6,7,8,9,10,0,0,0', '0,0,0,1,2,3,4,5,6,7']))
})

test('refuses amounts out of range', () => {
  const refused = expect.objectContaining({ code: 'TP_OPTION' })
  for (const make of [() => soundNoise(Number.NaN), () => gain(1000), () => timeShift(-0.1)])
    expect(make).toThrow(refused)
})

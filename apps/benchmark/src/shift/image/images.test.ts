import { randomNumbers } from '@tp/core/statistics'
import type { RawImage } from '@tp/data/inputs'
import fc from 'fast-check'
import { mean, standardDeviation } from 'simple-statistics'
import { describe, expect, test } from 'vitest'
import type { ImageShift } from '../shift.ts'
import { shifts } from '../shifts.ts'
import { blur } from './blur.ts'
import { imageNoise } from './noise.ts'
import { translate } from './translate.ts'

const image: fc.Arbitrary<RawImage> = fc
  .record({
    channels: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 4, max: 12 }),
    width: fc.integer({ min: 4, max: 12 }),
    seed: fc.nat(),
  })
  .map(({ seed, ...shape }) => {
    const random = randomNumbers(seed)
    return { ...shape, pixels: Float32Array.from({ length: shape.channels * shape.height * shape.width }, random) }
  })

const apply = (shift: ImageShift, to: RawImage, seed = 1): RawImage => shift.apply(to, randomNumbers(seed))

/** Root of the mean square difference. */
function distance(a: RawImage, b: RawImage): number {
  return Math.sqrt(mean([...a.pixels].map((x, i) => (x - (b.pixels[i] as number)) ** 2)))
}

test.each(shifts.image.map((entry) => [entry.name, entry] as const))(
  '%s keeps the shape and 0…1',
  (_, { create, levels }) => {
    fc.assert(
      fc.property(image, fc.constantFrom(...levels), fc.nat(), (original, level, seed) => {
        const { pixels, ...shape } = apply(create(level), original, seed)
        expect(shape).toEqual({ channels: original.channels, height: original.height, width: original.width })
        expect(pixels).toHaveLength(original.pixels.length)
        expect(pixels.every((x) => x >= 0 && x <= 1 + 1e-6)).toBe(true)
      }),
      { numRuns: 30 },
    )
  },
)

/** Neither noise of neighboring pixels nor a smooth image: what a translation changes grows with how far it goes. */
const ramp: RawImage = {
  ...{ channels: 1, height: 24, width: 32 },
  pixels: Float32Array.from({ length: 24 * 32 }, (_, i) => ((i % 32) + Math.floor(i / 32)) / 64),
}
const noisy: RawImage = { ...ramp, pixels: Float32Array.from({ length: 24 * 32 }, randomNumbers(4)) }

test.each(shifts.image.map((entry) => [entry.name, entry] as const))(
  '%s distorts more with each severity',
  (name, entry) => {
    const original = name === 'translate' ? ramp : noisy
    const distances = entry.levels.map((level) => distance(original, apply(entry.create(level), original)))
    expect(distances[0]).toBe(0)
    for (let i = 1; i < distances.length; i++) expect(distances[i]).toBeGreaterThan(distances[i - 1] as number)
  },
)

test('adds noise of mean 0 and the deviation asked for', () => {
  const gray = { channels: 1, height: 100, width: 100, pixels: new Float32Array(10_000).fill(0.5) }
  const values = [...apply(imageNoise(0.1), gray).pixels].map((x) => x - 0.5)
  expect(Math.abs(mean(values))).toBeLessThan(0.004)
  expect(standardDeviation(values)).toBeCloseTo(0.1, 2)
  // a normal distribution has 4.6 % beyond two deviations
  expect(values.filter((x) => Math.abs(x) > 0.2).length / 10_000).toBeCloseTo(0.046, 2)
})

describe('blur', () => {
  const kernels = ['gaussian', 'box'] as const

  test.each(kernels)('%s does not change a single color', (kernel) => {
    const gray = { channels: 1, height: 7, width: 9, pixels: new Float32Array(63).fill(0.3) }
    for (const x of apply(blur(kernel, 0.2), gray).pixels) expect(x).toBeCloseTo(0.3, 6)
  })

  test.each(kernels)('%s spreads a point with the variance asked for, equally in height and width', (kernel) => {
    const side = 41
    const point = { channels: 1, height: side, width: side, pixels: new Float32Array(side * side) }
    point.pixels[20 * side + 20] = 1
    const deviation = 2
    const { pixels } = apply(blur(kernel, deviation / side), point)
    const moments = (offset: (i: number) => number): number => pixels.reduce((sum, x, i) => sum + x * offset(i) ** 2, 0)
    expect(pixels.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 5)
    const [across, down] = [moments((i) => (i % side) - 20), moments((i) => Math.floor(i / side) - 20)]
    expect(across).toBeCloseTo(down, 4)
    // exact for a Gaussian but for its cut ends; a box with parts of pixels at its ends is a little wider
    expect(Math.abs(Math.sqrt(across) - deviation)).toBeLessThan(0.03)
  })

  test('averages three pixels with a box of three', () => {
    // (9 − 1) / 12 is the variance of three pixels
    const row = { channels: 1, height: 4, width: 4, pixels: Float32Array.from({ length: 16 }, (_, i) => (i % 4) / 4) }
    const [first, second] = apply(blur('box', Math.sqrt(8 / 12) / 4), row).pixels
    expect(first).toBeCloseTo((0 + 0 + 0.25) / 3, 6)
    expect(second).toBeCloseTo((0 + 0.25 + 0.5) / 3, 6)
  })
})

describe('translate', () => {
  test('moves every pixel the same way', () => {
    fc.assert(
      fc.property(image, fc.double({ min: 0.01, max: 0.5, noNaN: true }), fc.nat(), (original, share, seed) => {
        const { channels, height, width } = original
        const moved = apply(translate(share), original, seed)
        const way = Math.max(1, Math.round(share * Math.min(height, width)))
        const clamp = (position: number, size: number): number => Math.min(size - 1, Math.max(0, position))
        const ways = [-way, 0, way].flatMap((x) => [-way, 0, way].map((y) => [x, y] as const))
        const fits = ways.filter(([dx, dy]) =>
          moved.pixels.every((value, i) => {
            const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width]
            return value === original.pixels[(c * height + clamp(y + dy, height)) * width + clamp(x + dx, width)]
          }),
        )
        expect(channels * fits.length).toBeGreaterThan(0)
      }),
      { numRuns: 40 },
    )
  })

  test('moves in all eight directions and can bring in black', () => {
    const white = { channels: 1, height: 4, width: 4, pixels: new Float32Array(16).fill(1) }
    const seen = new Set(
      Array.from({ length: 200 }, (_, seed) => apply(translate(0.25, 'black'), white, seed).pixels.join('')),
    )
    expect(seen.size).toBe(8)
    expect([...apply(translate(0.25), white).pixels]).toEqual([...white.pixels])
  })
})

test('refuses amounts out of range', () => {
  const refused = expect.objectContaining({ code: 'TP_OPTION' })
  for (const make of [
    () => imageNoise(-1),
    () => blur('box', 2),
    () => translate(1.5),
    () => blur('gaussian', Number.NaN),
  ])
    expect(make).toThrow(refused)
})

import { expect, test } from 'vitest'
import { cutAtPauses } from './cut-at-pauses.ts'

const RATE = 1000

/** A tone with silence of 0.3 s after these seconds. */
function speech(seconds: number, pauses: readonly number[]): Float32Array {
  return Float32Array.from({ length: seconds * RATE }, (_, i) =>
    pauses.some((pause) => i >= pause * RATE && i < (pause + 0.3) * RATE) ? 0 : Math.sin(i / 3),
  )
}

test('ends clips in the pauses, and gives all samples in their order', () => {
  const samples = speech(20, [6, 13])
  const clips = cutAtPauses(samples, RATE)
  const ends = clips.map(({ length }) => length / RATE)
  expect(ends).toHaveLength(3)
  expect(ends[0]).toBeGreaterThanOrEqual(6)
  expect(ends[0]).toBeLessThanOrEqual(6.3)
  expect((ends[0] as number) + (ends[1] as number)).toBeGreaterThanOrEqual(13)
  expect((ends[0] as number) + (ends[1] as number)).toBeLessThanOrEqual(13.3)
  expect(Float32Array.from(clips.flatMap((clip) => [...clip]))).toEqual(samples)
})

test('gives a short recording whole, and a last clip of 2 s or more', () => {
  expect(cutAtPauses(speech(9, []), RATE)).toHaveLength(1)
  for (const seconds of [10, 12, 19]) {
    const clips = cutAtPauses(speech(seconds, []), RATE)
    expect(clips.at(-1)?.length).toBeGreaterThanOrEqual(2 * RATE)
    for (const { length } of clips) expect(length).toBeLessThanOrEqual(9 * RATE)
  }
})

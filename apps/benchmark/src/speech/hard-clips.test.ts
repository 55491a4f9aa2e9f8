import { expect, test } from 'vitest'
import { hardClips } from './hard-clips.ts'

const RATE = 1000
const speech = Array.from({ length: 3 }, (_, i) =>
  Float32Array.from({ length: 2000 + 500 * i }, (_, j) => Math.sin(j / (i + 2))),
)

test('makes the same 300 clips of the same speech, each finite and within the window', () => {
  const clips = hardClips(speech, RATE)
  expect(clips).toHaveLength(300)
  expect(new Set(clips.map(({ name }) => name)).size).toBe(300)
  expect(hardClips(speech, RATE)).toEqual(clips)
  for (const { samples } of clips) {
    expect(samples.length).toBeGreaterThanOrEqual(0.3 * RATE)
    expect(samples.length).toBeLessThanOrEqual(30 * RATE)
    expect(samples.every(Number.isFinite)).toBe(true)
  }
})

test('cuts speech at 40 to 85 % of its length', () => {
  const parts = hardClips(speech, RATE).flatMap(({ kind, samples }, i) =>
    kind === 'cut' ? [samples.length / (speech[i % 3] as Float32Array).length] : [],
  )
  expect(Math.min(...parts)).toBeGreaterThanOrEqual(0.399)
  expect(Math.max(...parts)).toBeLessThanOrEqual(0.851)
})

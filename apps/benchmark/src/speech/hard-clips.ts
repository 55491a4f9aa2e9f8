import { randomNumbers } from '@tp/core/statistics'

/** A recording that is hard to end a text on, and what makes it so. */
export interface HardClip {
  readonly name: string
  readonly kind: HardKind
  /** float32 at the rate of the clips it was made from. */
  readonly samples: Float32Array
}

export const hardKinds = ['cut', 'noisy', 'two voices', 'short', 'noise', 'music', 'siren', 'silence', 'zeros'] as const
type HardKind = (typeof hardKinds)[number]

/** How many clips of each kind; 300 in all. */
const COUNTS: Readonly<Record<HardKind, number>> = {
  ...{ cut: 150, noisy: 40, 'two voices': 40, short: 20, noise: 15 },
  ...{ music: 12, siren: 9, silence: 9, zeros: 5 },
}

/** Seconds of sounds without speech, one after the other. */
const LENGTHS = [0.3, 1, 3, 6, 12, 20] as const
const SHORT = 0.3

/**
 * Recordings on which a decoder may repeat itself: speech that is cut at 40 to 85 % of its length, in noise of 0 to 10 dB, over another voice, or of 0.3 s; noise, chords,
 * sirens, near silence, and zeros. The same for the same clips.
 * @param clips recordings of speech, at least one, all of this many samples a second
 */
export function hardClips(clips: readonly Float32Array[], rate: number): HardClip[] {
  const uniform = randomNumbers(42)
  const clipAt = (i: number): Float32Array => clips[i % clips.length] as Float32Array
  const lengthOf = (i: number): number => Math.round((LENGTHS[i % LENGTHS.length] as number) * rate)
  const made: Readonly<Record<HardKind, (i: number) => Float32Array>> = {
    cut: (i) => cut(clipAt(i), 0.4 + 0.45 * uniform()),
    noisy: (i) => noisy(clipAt(7 * i + 3), 10 * uniform(), uniform),
    'two voices': (i) => over(clipAt(5 * i), clipAt(5 * i + 2)),
    short: (i) => clipAt(3 * i + 1).slice(rate, Math.round((1 + SHORT) * rate)),
    noise: (i) => Float32Array.from({ length: lengthOf(i) }, () => (0.02 + 0.02 * i) * normal(uniform)),
    music: (i) => chords(lengthOf(i), rate, uniform),
    siren: (i) => siren(lengthOf(i), rate, 300 + 100 * i),
    silence: (i) => Float32Array.from({ length: lengthOf(i) }, () => 3e-5 * (1 + i) * normal(uniform)),
    zeros: (i) => new Float32Array(lengthOf(i)),
  }
  return hardKinds.flatMap((kind) =>
    Array.from({ length: COUNTS[kind] }, (_, i) => ({ name: `${kind} ${i}`, kind, samples: made[kind](i) })),
  )
}

function cut(speech: Float32Array, part: number): Float32Array {
  return speech.slice(0, Math.round(part * speech.length))
}

/** Speech in noise that is so many decibels weaker. */
function noisy(speech: Float32Array, decibels: number, uniform: () => number): Float32Array {
  const power = speech.reduce((sum, x) => sum + x * x, 0) / speech.length
  const scale = Math.sqrt(power / 10 ** (decibels / 10))
  return speech.map((x) => x + scale * normal(uniform))
}

function over(one: Float32Array, other: Float32Array): Float32Array {
  const length = Math.max(one.length, other.length)
  return Float32Array.from({ length }, (_, i) => 0.5 * ((one[i] ?? 0) + (other[i] ?? 0)))
}

/** Half a second of each chord, of three tones with two overtones. */
function chords(length: number, rate: number, uniform: () => number): Float32Array {
  const samples = new Float32Array(length)
  const beat = Math.round(rate / 2)
  for (let start = 0; start < length; start += beat) {
    const root = 110 * 2 ** (Math.floor(24 * uniform()) / 12)
    const tones = [1, 1.25, 1.5].flatMap((third) =>
      [1, 2, 3].map((over) => [third * over * root, 0.12 / over] as const),
    )
    for (let i = start; i < Math.min(length, start + beat); i++) {
      const fades = 1 - (i - start) / beat
      for (const [frequency, loud] of tones)
        samples[i] = (samples[i] as number) + fades * loud * Math.sin((2 * Math.PI * frequency * i) / rate)
    }
  }
  return samples
}

/** A tone that rises and falls by an octave every second. */
function siren(length: number, rate: number, lowest: number): Float32Array {
  let phase = 0
  return Float32Array.from({ length }, (_, i) => {
    phase += (2 * Math.PI * lowest * (1.5 + 0.5 * Math.sin((2 * Math.PI * i) / rate))) / rate
    return 0.3 * Math.sin(phase)
  })
}

/** Box and Muller. */
function normal(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

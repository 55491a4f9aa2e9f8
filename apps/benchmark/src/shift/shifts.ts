import { TpError } from '@tp/core'
import type { Modality } from '@tp/data/inputs'
import { gain } from './audio/gain.ts'
import { soundNoise } from './audio/noise.ts'
import { timeShift } from './audio/time-shift.ts'
import { blur } from './image/blur.ts'
import { imageNoise } from './image/noise.ts'
import { translate } from './image/translate.ts'
import type { Shift, ShiftOf } from './shift.ts'
import { letterCase } from './text/letter-case.ts'
import { padding } from './text/padding.ts'
import { typos } from './text/typos.ts'

/** A shift with its severities. */
export interface ShiftEntry<M extends Modality> {
  readonly name: string
  readonly summary: string
  /** The parameters of a severity, by its number from 0, which changes nothing. */
  readonly levels: readonly number[]
  create(level: number): ShiftOf<M>
}

/**
 * The shifts of each kind of data, with severities up to 5 in the manner of ImageNet-C (Hendrycks and Dietterich, ICLR
 * 2019, arXiv:1903.12261). Noise in images has its deviations, and blur those of its CIFAR-10-C in shares of 32 pixels.
 */
export const shifts: { readonly [M in Modality]: readonly ShiftEntry<M>[] } = {
  text: [
    {
      name: 'typos',
      summary: 'slips in a share of the words',
      levels: [0, 0.05, 0.1, 0.2, 0.35, 0.5],
      create: typos,
    },
    ...(['upper', 'lower', 'title', 'random'] as const).map((to) => ({
      name: `${to}-case`,
      summary: `words in ${to} case; nothing to an uncased tokenizer`,
      levels: [0, 1],
      create: (share: number) => letterCase(to, share),
    })),
    ...(['before', 'after', 'around'] as const).map((position) => ({
      name: `padding-${position}`,
      summary: `so many times as many words, neutral sentences ${position === 'around' ? 'on both sides' : position}`,
      levels: [1, 1.5, 2, 3, 4, 6],
      create: (factor: number) => padding(position, factor),
    })),
  ],
  image: [
    {
      name: 'noise',
      summary: 'Gaussian noise, of a standard deviation in brightness 0…1',
      levels: [0, 0.08, 0.12, 0.18, 0.26, 0.38],
      create: imageNoise,
    },
    ...(['gaussian', 'box'] as const).map((kernel) => ({
      name: kernel === 'gaussian' ? 'blur' : 'box-blur',
      summary: `${kernel === 'gaussian' ? 'a Gaussian' : 'a box'}, of a standard deviation in shares of the shorter side`,
      levels: [0, 0.4 / 32, 0.6 / 32, 0.7 / 32, 0.8 / 32, 1 / 32],
      create: (share: number) => blur(kernel, share),
    })),
    {
      name: 'translate',
      summary: 'moved by a share of the shorter side, edges repeated',
      levels: [0, 0.05, 0.1, 0.15, 0.2, 0.25],
      create: (share) => translate(share),
    },
  ],
  audio: [
    {
      name: 'noise',
      summary: 'white noise, at a signal-to-noise ratio in dB',
      levels: [Number.POSITIVE_INFINITY, 20, 15, 10, 5, 0],
      create: soundNoise,
    },
    {
      name: 'time-shift',
      summary: 'earlier or later by a share of the length, silence comes in',
      levels: [0, 0.05, 0.1, 0.15, 0.2, 0.25],
      create: timeShift,
    },
    { name: 'louder', summary: 'a gain in dB, clipped', levels: [0, 6, 12, 18, 24, 30], create: gain },
    { name: 'quieter', summary: 'a gain in dB', levels: [0, -6, -12, -18, -24, -30], create: gain },
  ],
}

/** A shift of a kind that may be known at run time only. */
type OneOf<M extends Modality> = Extract<Shift, { readonly modality: M }>

/**
 * A shift by its name and severity, called `typos:3`.
 * @param severity 0 (nothing changes) to the last of its levels
 * @throws TpError TP_OPTION
 */
export function namedShift<M extends Modality>(modality: M, name: string, severity: number): OneOf<M>
export function namedShift(modality: Modality, name: string, severity: number): Shift {
  const entries: readonly ShiftEntry<Modality>[] = shifts[modality]
  const entry = entries.find((one) => one.name === name)
  if (entry === undefined) {
    const known = entries.map((one) => one.name).join(', ')
    throw new TpError('TP_OPTION', 'benchmark', `there is no shift "${name}" of ${modality} data; there are ${known}`)
  }
  const level = entry.levels[severity]
  if (level === undefined) {
    const most = entry.levels.length - 1
    throw new TpError('TP_OPTION', 'benchmark', `${name} has severities 0 to ${most}, not ${severity}`)
  }
  return { ...entry.create(level), name: `${name}:${severity}` } as Shift
}

/**
 * Every shift of a kind of data.
 * @param severities of each; a shift with fewer has its strongest once. Default 1, 3 and 5
 */
export function shiftSuite<M extends Modality>(modality: M, severities?: readonly number[]): OneOf<M>[]
export function shiftSuite(modality: Modality, severities: readonly number[] = [1, 3, 5]): Shift[] {
  const entries: readonly ShiftEntry<Modality>[] = shifts[modality]
  return entries.flatMap(({ name, levels }) => {
    const own = new Set(severities.map((severity) => Math.min(severity, levels.length - 1)))
    return [...own].map((severity): Shift => namedShift(modality, name, severity))
  })
}

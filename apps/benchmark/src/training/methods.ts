import type { Method } from '@tp/core'
import { adapler, dynamicvit, lengthAdaptive, ltp, powerBert, sdtp } from '@tp/method-gradient'
import { diffrate } from '@tp/method-hybrid'
import { trBert } from '@tp/method-rl'
import type { TrainSettings } from '@tp/train'
import type { LearnedRun } from './runs.ts'

/** Tokens are pruned after the attention of these layers, or at their input: of six layers all but the first. */
const LAYERS = { attention: [1, 2, 3, 4], input: [1, 2, 3, 4, 5] } as const

/** Below this share of the FLOPs too few tokens would remain after layer 1, if layer 0 and the attention of layer 1 have all of them. */
const NEEDS_FIRST = 0.4

/** The same for all: a third of the steps is soft training, then one epoch with tokens really pruned. */
const learning: TrainSettings = {
  epochs: 0.5,
  batchSize: 32,
  learningRate: 5e-5,
  distillation: 0.9,
  temperature: 2,
  evaluations: 1,
}

const HARD_EPOCHS = 1

export type LearnedName = 'power-bert' | 'ltp' | 'adapler' | 'tr-bert' | 'length-adaptive' | 'sdtp'

interface Form extends Partial<Omit<LearnedRun, 'key' | 'share' | 'method' | 'settings'>> {
  readonly method: Method
  readonly settings?: TrainSettings
}

/** The further needs of each method. */
export const learnedMethods: Readonly<Record<LearnedName, Form>> = {
  // Its weights of ranks have to fall from 1.
  'power-bert': { method: powerBert(), settings: { methodRate: 3e-3 } },
  ltp: { method: ltp() },
  adapler: { method: adapler(), saliency: true },
  // Eight samples of each text: as many steps softly as the others have.
  'tr-bert': { method: trBert(), saliency: true, settings: { epochs: 0.125 } },
  // Three copies of each text, and nothing afterwards: as many steps as the others have in all.
  'length-adaptive': { method: lengthAdaptive({ lowest: 0.4 }), hardEpochs: 0 },
  // Its networks learn alone, from a saliency of its own.
  sdtp: { method: sdtp(), settings: { methodRate: 2e-3 } },
}

/** How a training differs from the usual one. */
export interface Otherwise {
  /** Where it learns, if not from SST-2, for the name of its files. */
  readonly prefix?: string
  readonly settings?: TrainSettings
  /** Share of the usual number of steps. */
  readonly effort?: number
}

/** A training of a method at a share of the FLOPs. */
export function runOf(name: LearnedName, share: number, seed = 0, otherwise: Otherwise = {}): LearnedRun {
  const { method, settings, ...others } = learnedMethods[name]
  const { prefix = '', effort = 1 } = otherwise
  const all = { ...learning, ...settings, ...otherwise.settings, seed }
  return {
    key: `${prefix}${name}-${Math.round(100 * share)}-${seed}`,
    layers: layersFor(method, share),
    share,
    settings: { ...all, epochs: effort * (all.epochs ?? 1) },
    method,
    ...others,
    hardEpochs: effort * (others.hardEpochs ?? HARD_EPOCHS),
  }
}

function layersFor({ site = 'attention' }: Method, share: number): readonly number[] {
  const usual = LAYERS[site]
  return site === 'attention' && share < NEEDS_FIRST ? [0, ...usual] : usual
}

/** The encoder alone, with a training-free method, for as many steps as the others have. */
export function fineTuning(
  method: Method,
  layers: readonly number[],
  share: number,
  { prefix = '', effort = 1, settings: own }: Otherwise,
): LearnedRun {
  const settings = { ...learning, ...own, seed: 0 }
  const hardEpochs = effort * (HARD_EPOCHS + (learning.epochs ?? 0))
  return { key: `${prefix}fine-tuned-${Math.round(100 * share)}-0`, method, layers, share, settings, hardEpochs }
}

/** For images: decisions at the input of three of six layers, or after the attention of four. */
export const fashionMethods: Readonly<Record<string, Pick<LearnedRun, 'method' | 'layers'>>> = {
  dynamicvit: { method: dynamicvit({ ratio: 0.7 }), layers: [1, 3, 5] },
  diffrate: { method: diffrate(), layers: [1, 2, 3, 4] },
}

/** A training on images of clothing. */
export function fashionRun(name: string, method: Method, layers: readonly number[], share: number): LearnedRun {
  const settings = { ...learning, epochs: 1, learningRate: 2e-4 }
  return { key: `fashion-${name}-${Math.round(100 * share)}`, method, layers, share, settings, hardEpochs: 2 }
}

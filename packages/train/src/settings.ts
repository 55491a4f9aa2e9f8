import { TpError } from '@tp/core'
import type { AdamWOptions } from './adam-w.ts'
import type { RateOptions } from './schedule.ts'
import type { LossOptions } from './training-graph.ts'

/** Settings of a training; absent ones have the value of {@link defaults}, of embeddings `distillation` 1. */
export type TrainSettings = Partial<Settings>

export interface Settings extends LossOptions, AdamWOptions, RateOptions {
  /** Times that every example is seen; a fraction ends inside an epoch. */
  readonly epochs: number
  /** Rows of a step; of a method that looks at each example several times, so many examples fewer. */
  readonly batchSize: number
  readonly seed: number
  /** Learning rate of what a method learns, thresholds or predictors, at its highest. */
  readonly methodRate: number
  /** How often the selection set is evaluated, at equal distances and at the end. */
  readonly evaluations: number
}

export const defaults: Settings = {
  epochs: 3,
  batchSize: 16,
  seed: 0,
  answer: 'logits',
  evaluations: 5,
  distillation: 0.5,
  temperature: 2,
  regulariser: 0.1,
  costWeight: 10,
  learningRate: 2e-5,
  methodRate: 1e-3,
  warmUp: 0.1,
  decay: 'linear',
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  clip: 1,
}

/** The valid range of each number. */
const rules: Readonly<Record<Exclude<keyof Settings, 'decay' | 'answer'>, readonly [(x: number) => boolean, string]>> =
  {
    epochs: [(x) => x > 0, 'a number above 0'],
    batchSize: [(x) => Number.isInteger(x) && x > 0, 'a whole number from 1'],
    seed: [Number.isInteger, 'a whole number'],
    evaluations: [(x) => Number.isInteger(x) && x > 0, 'a whole number from 1'],
    distillation: [(x) => x >= 0 && x <= 1, 'a share from 0 to 1'],
    temperature: [(x) => x > 0, 'a number above 0'],
    regulariser: [(x) => x >= 0, 'a number from 0'],
    costWeight: [(x) => x >= 0, 'a number from 0'],
    learningRate: [(x) => x > 0, 'a number above 0'],
    methodRate: [(x) => x > 0, 'a number above 0'],
    warmUp: [(x) => x >= 0 && x < 1, 'a share from 0, below 1'],
    weightDecay: [(x) => x >= 0, 'a number from 0'],
    beta1: [(x) => x >= 0 && x < 1, 'a number from 0, below 1'],
    beta2: [(x) => x >= 0 && x < 1, 'a number from 0, below 1'],
    epsilon: [(x) => x > 0, 'a number above 0'],
    clip: [(x) => x > 0, 'a number above 0'],
  }

/** Settings with the defaults of absent ones. @throws TpError TP_OPTION for a value out of range */
export function settingsOf(own: TrainSettings): Settings {
  const usual: Settings = own.answer === 'embedding' ? { ...defaults, distillation: 1 } : defaults
  const settings = Object.fromEntries(
    Object.entries(usual).map(([name, value]) => [name, own[name as keyof Settings] ?? value]),
  ) as unknown as Settings
  for (const [name, [is, form]] of Object.entries(rules)) {
    const value = settings[name as keyof typeof rules]
    if (!(Number.isFinite(value) && is(value))) {
      throw new TpError('TP_OPTION', 'train', `${name} is ${value}; it has to be ${form}`)
    }
  }
  if (!['linear', 'cosine'].includes(settings.decay))
    throw new TpError('TP_OPTION', 'train', `decay is "${settings.decay}"; it has to be linear or cosine`)
  return settings
}

/** @throws TpError TP_OPTION */
export function checkPassTokens(tokens: number | undefined): void {
  if (tokens === undefined || tokens >= 1) return
  throw new TpError('TP_OPTION', 'train', `passTokens is ${tokens}; it has to be a number of tokens, 1 or more`)
}

import { inputKind } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import { declaredOutputs, taskOf } from '@tp/data/outputs'
import type { Model } from '@tp/onnx'
import { wholeReadings } from './whole-readings.ts'

/** The points that a pruning lost on one test set, with 95 % interval. */
interface MeasuredLoss {
  readonly on: string
  readonly points: number
  readonly low: number
  readonly high: number
}

/** A pruning that lost little for heads of a kind, as docs/findings.md lists. */
export interface SafeMethod {
  readonly method: string
  /** At each layer but the first. */
  readonly keep: number
  /** The kind of input whose class token the head reads. */
  readonly tokens: 'texts' | 'patches'
  readonly losses: readonly MeasuredLoss[]
}

/** The default for a model without data: a pruning, or why only what is exact does. */
export type SafeDefault = SafeMethod | { readonly exact: 'whole-head' | 'unmeasured' }

const ofTexts: SafeMethod = {
  method: 'value-aware',
  keep: 0.8,
  tokens: 'texts',
  losses: [
    { on: 'mails', points: 0, low: -0.3, high: 0.3 },
    { on: 'sentences', points: 0, low: -1.4, high: 1.4 },
    { on: 'reviews', points: 1, low: -0.7, high: 2.8 },
  ],
}

const ofPatches: SafeMethod = {
  method: 'tome',
  keep: 0.9,
  tokens: 'patches',
  losses: [
    { on: 'clothing', points: 0.1, low: -0.1, high: 0.4 },
    { on: 'digits', points: 0.1, low: -0.3, high: 0.4 },
    { on: 'other digits', points: 0.1, low: -0.1, high: 0.3 },
  ],
}

/** By the head: what was measured to be safe on several models, else what is exact. */
export function safeDefault(model: Model, encoders: readonly Inspection[]): SafeDefault {
  if (wholeReadings(encoders).length > 0) return { exact: 'whole-head' }
  const [only, ...others] = encoders
  // Vectors and scores of pairs lose many points: docs/embeddings.md, docs/rerankers.md.
  const isMeasured = others.length === 0 && only !== undefined && readsClassToken(only) && givesClasses(model)
  if (!isMeasured) return { exact: 'unmeasured' }
  return inputKind(model) === 'texts' ? ofTexts : ofPatches
}

function readsClassToken({ head }: Inspection): boolean {
  return head.length > 0 && head.every(({ reads }) => reads.every(({ kind }) => kind === 'class-token'))
}

function givesClasses(model: Model): boolean {
  return taskOf(declaredOutputs(model)) === 'classification'
}

import { inputKind } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { taskOf } from '@tp/data/outputs'
import { Graph } from '@tp/onnx'
import { readsEveryToken, safeDefaultNote } from './whole-heads.ts'

/** What is done to a model if nothing is asked for, and why. */
export interface SafeDefault {
  readonly method: string
  /** Kept at each layer but the first; absent: no tokens are pruned but dead ones. */
  readonly keep?: string
  /** What was measured of it, and of what. */
  readonly why: string
}

/** Measured as docs/results/benchmark.html says: losses in points of three test sets each. */
const OF_TEXTS: SafeDefault = {
  method: 'value-aware',
  keep: '0.8',
  why:
    'no method was given, and the head reads the class token of a text: there value-aware at keep 0.8 lost 0.0 (−0.3 … 0.3) points on mails, ' +
    '0.0 (−1.4 … 1.4) on sentences and 1.0 (−0.7 … 2.8) on reviews (docs/results)',
}
const OF_PATCHES: SafeDefault = {
  method: 'tome',
  keep: '0.9',
  why:
    'no method was given, and the head reads the class token of patches: there tome at keep 0.9 lost 0.1 (−0.1 … 0.4) points on clothing and ' +
    '0.1 (−0.3 … 0.4) and 0.1 (−0.1 … 0.3) on two sets of digits (docs/results)',
}

const UNMEASURED =
  'no method was given, and none was measured that is safe for such a head, so only what is exact is done: tokens that nothing reads are ' +
  'eliminated. With --data what your own examples allow is chosen'

/** By the head: what was measured to be safe on several models, else what is exact. */
export function safeDefault({ model }: ModelFile, encoders: readonly Inspection[]): SafeDefault {
  if (encoders.some(readsEveryToken)) return { method: 'none', why: safeDefaultNote(inputKind(model)) }
  const [only, ...others] = encoders
  // Vectors and scores of pairs lose many points: docs/embeddings.md, docs/rerankers.md.
  const isMeasured = others.length === 0 && only !== undefined && readsClassToken(only) && givesClasses(model)
  if (!isMeasured) return { method: 'none', why: UNMEASURED }
  return inputKind(model) === 'texts' ? OF_TEXTS : OF_PATCHES
}

function readsClassToken({ head }: Inspection): boolean {
  return head.length > 0 && head.every(({ reads }) => reads.every(({ kind }) => kind === 'class-token'))
}

function givesClasses(model: ModelFile['model']): boolean {
  const outputs = new Graph(model).outputs.map(({ name, type, dims = [] }) => ({ name, type, dims }))
  return taskOf(outputs) === 'classification'
}

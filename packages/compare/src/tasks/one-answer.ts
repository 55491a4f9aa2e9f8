import type { TaggedInputs } from '@tp/data'

/** The one answer that a dense model gives to all, and the examples that would show a loss. */
export interface OneAnswer {
  readonly said: string
  readonly needed: string
}

/** By what the answers are judged by. */
export const oneAnswers: Readonly<Record<'accuracy' | 'labels' | 'tags' | 'correlation', OneAnswer>> = {
  accuracy: { said: 'examples the same class', needed: 'examples of all classes' },
  labels: { said: 'examples the same labels', needed: 'examples of all labels' },
  tags: { said: 'words the same tag', needed: 'examples with all tags' },
  correlation: { said: 'examples the same estimate', needed: 'examples with other estimates' },
}

/** Advice for whoever reads the dense model's figures; undefined where there are several answers. */
export function adviceOn(one: OneAnswer | undefined): string | undefined {
  return one && `gives all ${one.said}, so they cannot show a loss; give ${one.needed}`
}

const areOne = (answers: readonly unknown[]): boolean => new Set(answers).size === 1

/** @returns undefined where the model gives several classes */
export function oneClass(predictions: readonly number[]): OneAnswer | undefined {
  return areOne(predictions) ? oneAnswers.accuracy : undefined
}

/** @returns undefined where the model gives several tags, or labels that differ between examples */
export function oneTag(predictions: readonly Int32Array[], { unit }: TaggedInputs): OneAnswer | undefined {
  if (unit === 'labels') return areOne(predictions.map(String)) ? oneAnswers.labels : undefined
  return areOne(predictions.flatMap((tags) => [...tags])) ? oneAnswers.tags : undefined
}

/** Estimates that differ by less, as a share of the largest, are one: the lengths that examples are padded to change their last digits. */
const ROUNDING = 1e-5

/** @returns undefined where the model estimates several numbers */
export function oneEstimate(estimates: readonly number[]): OneAnswer | undefined {
  const low = estimates.reduce((least, value) => Math.min(least, value))
  const high = estimates.reduce((most, value) => Math.max(most, value))
  return high - low <= ROUNDING * Math.max(-low, high) ? oneAnswers.correlation : undefined
}

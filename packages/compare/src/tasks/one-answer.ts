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

/** Advice for whoever reads the dense model's figures; nothing where there are several answers. */
export function adviceOn(one: OneAnswer | undefined): { readonly verdict?: string } {
  if (one === undefined) return {}
  return { verdict: `gives all ${one.said}, so they cannot show a loss; give ${one.needed}` }
}

/** @returns undefined where the model gives several classes */
export function oneClass(predictions: readonly number[]): OneAnswer | undefined {
  return new Set(predictions).size === 1 ? oneAnswers.accuracy : undefined
}

/** @returns undefined where the model gives several tags, or labels that differ between examples */
export function oneTag(predictions: readonly Int32Array[], { unit }: TaggedInputs): OneAnswer | undefined {
  const areLabels = unit === 'labels'
  const answers = areLabels ? predictions.map(String) : predictions.flatMap((tags) => [...tags])
  if (new Set<unknown>(answers).size !== 1) return undefined
  return areLabels ? oneAnswers.labels : oneAnswers.tags
}

/** Estimates that differ by less, as a share of the largest, are one: the lengths that examples are padded to change their last digits. */
const ROUNDING = 1e-5

/** @returns undefined where the model estimates several numbers */
export function oneEstimate(estimates: readonly number[]): OneAnswer | undefined {
  const [low, high, largest] = estimates.reduce(
    ([low, high, largest], value) => [Math.min(low, value), Math.max(high, value), Math.max(largest, Math.abs(value))],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0] as [number, number, number],
  )
  return high - low <= ROUNDING * largest ? oneAnswers.correlation : undefined
}

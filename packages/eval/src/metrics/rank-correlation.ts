import { sampleRankCorrelation } from 'simple-statistics'

/**
 * Spearman's rank correlation of two lists of equal length, −1 … 1; equal values share the mean of their ranks.
 * @returns undefined where one list has the same value everywhere
 */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | undefined {
  if (new Set(a).size < 2 || new Set(b).size < 2) return undefined
  return sampleRankCorrelation([...a], [...b])
}

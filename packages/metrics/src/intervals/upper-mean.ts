import { mean, sampleDeviation } from '../summaries/mean.ts'
import { quantileByHalving } from './student.ts'

/** From here on Student's t changes in the fourth digit only. */
const MANY = 1000

/**
 * The upper end of a one-sided interval of a mean by Student's t: the mean + t · s / √n. It assumes a mean that is about normally
 * distributed, and nothing is above it where all numbers are the same; a decision between many candidates is worth that, a
 * promise is not ({@link boundedMean}).
 * @param values two or more
 * @param share of samples whose true mean is below it, 0.5 to 1
 */
export function upperMean(values: readonly number[], share: number): number {
  const t = quantileByHalving(Math.min(MANY, values.length - 1), share)
  return mean(values) + (t * sampleDeviation(values)) / Math.sqrt(values.length)
}

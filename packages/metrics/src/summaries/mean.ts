/** The mean, with the rounding of its sum corrected (Neumaier 1974). Not a number for no values. */
export function mean(values: readonly number[]): number {
  let [sum, correction] = [0, 0]
  for (const value of values) {
    const next = sum + value
    correction += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
    sum = next
  }
  return (sum + correction) / values.length
}

/** The standard deviation of a sample, with n − 1 for n. Not a number for fewer than two values. */
export function sampleDeviation(values: readonly number[]): number {
  const center = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1))
}

/**
 * A normally distributed number, by the central limit: twelve uniform ones less their mean have variance 1. Nothing but
 * sums, which are the same bits on every machine, where logarithms and cosines are not.
 */
export function normal(random: () => number): number {
  let sum = -6
  for (let i = 0; i < 12; i++) sum += random()
  return sum
}

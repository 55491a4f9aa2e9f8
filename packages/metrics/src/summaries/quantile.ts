/**
 * The value below which a share of values lies, interpolated between neighbors (Hyndman and Fan's type 7, as numpy computes it). Not
 * a number for no values.
 * @param share 0…1
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN]
  return low === high ? low : low + (at - Math.floor(at)) * (high - low)
}

/**
 * Positions of examples whose lengths are spread as those of all are: the middle of each of `count` equal parts of the
 * examples in order of length.
 */
export function stratifiedSample(lengths: readonly number[], count: number): number[] {
  const order = lengths.map((_, i) => i).sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b)
  const parts = Math.min(count, order.length)
  return Array.from({ length: parts }, (_, i) => order[Math.floor(((i + 0.5) * order.length) / parts)] as number)
}

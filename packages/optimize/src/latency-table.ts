/** Times of one model on one device at one batch size. */
export interface LatencyTable {
  readonly batch: number
  /** Measured token counts, ascending. */
  readonly tokens: readonly number[]
  /**
   * Milliseconds by segment and token count. Segment 0 ends at the first site, segment s runs on the tokens kept at site
   * s − 1, and the last one ends with the model. A site comes after an attention, so a segment is an FFN and the next attention.
   */
  readonly segments: readonly (readonly number[])[]
}

/** Milliseconds of a segment at a token count, interpolated between measured ones; below the least, that of the least. */
export function segmentMs({ tokens, segments }: LatencyTable, segment: number, count: number): number {
  const times = segments[segment] as readonly number[]
  const above = tokens.findIndex((measured) => measured >= count)
  if (above === 0) return times[0] as number
  const high = above < 0 ? tokens.length - 1 : above
  if (high === 0) return times[0] as number
  const [from, to] = [tokens[high - 1] as number, tokens[high] as number]
  const [first, last] = [times[high - 1] as number, times[high] as number]
  return Math.max(0, first + ((last - first) * (count - from)) / (to - from))
}

/** A table from times with one token kept at a site, that is the time up to this site, by site and token count. */
export function tableOf(
  batch: number,
  tokens: readonly number[],
  upTo: readonly (readonly number[])[],
  whole: readonly number[],
): LatencyTable {
  const ends = [...upTo, whole]
  const segments = ends.map((times, s) =>
    times.map((ms, i) => Math.max(0, ms - (s === 0 ? 0 : ((ends[s - 1] as readonly number[])[i] as number)))),
  )
  return { batch, tokens, segments }
}

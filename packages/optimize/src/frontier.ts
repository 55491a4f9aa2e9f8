/** A candidate with its time and how far its answers move. */
export interface TimedDivergence<T> {
  readonly candidate: T
  readonly ms: number
  /** Mean over the examples. */
  readonly divergence: number
}

/**
 * The fastest candidate that holds, by bisection along the frontier of time and divergence. Many candidates are tested on the same
 * examples, and by chance one that loses too much may hold; where its neighbors, which move the answers less, do not hold, it
 * is not looked at. If nothing on the frontier holds, the fastest of the others that does is taken: the choice falls back to the next
 * safer candidate, never to nothing.
 * @returns undefined only if no candidate holds
 */
export async function fastestThatHolds<T>(
  measured: readonly TimedDivergence<T>[],
  holds: (candidate: T) => Promise<boolean>,
): Promise<T | undefined> {
  const byTime = measured.toSorted((a, b) => a.ms - b.ms)
  const frontier = frontierOf(byTime).map(({ candidate }) => candidate)
  const found = frontier[await firstThatHolds(frontier, holds)]
  if (found !== undefined) return found
  for (const { candidate } of byTime) if (await holds(candidate)) return candidate
  return undefined
}

/**
 * The place of the first candidate that holds, by bisection: all after one that holds are taken to hold.
 * @param candidates the fastest first
 * @returns their number if the last one does not hold
 */
export async function firstThatHolds<T>(
  candidates: readonly T[],
  holds: (candidate: T) => Promise<boolean>,
): Promise<number> {
  let [fails, safe] = [-1, candidates.length]
  while (safe - fails > 1) {
    const middle = Math.floor((fails + safe) / 2)
    if (await holds(candidates[middle] as T)) safe = middle
    else fails = middle
  }
  return safe
}

/** Those whose answers move less than all faster ones'. */
function frontierOf<T>(byTime: readonly TimedDivergence<T>[]): TimedDivergence<T>[] {
  let least = Number.POSITIVE_INFINITY
  return byTime.filter(({ divergence }) => {
    if (divergence >= least) return false
    least = divergence
    return true
  })
}

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

/** After so many rejected candidates the next is taken as it is: with each of them the examples that confirm say less. */
const MOST_REJECTED = 2

/** A candidate, and how many faster ones were not confirmed. */
export interface ConfirmedCandidate<T> {
  readonly candidate: T
  readonly rejected: number
}

/**
 * The fastest candidate that holds and is confirmed by other examples. Of those that are not confirmed the next is one that moves the
 * answers less.
 * @returns undefined if no candidate holds, or none is left
 */
export async function fastestConfirmed<T>(
  measured: readonly TimedDivergence<T>[],
  holds: (candidate: T) => Promise<boolean>,
  isConfirmed: (candidate: T) => Promise<boolean>,
): Promise<ConfirmedCandidate<T> | undefined> {
  let safer = measured
  for (let rejected = 0; ; rejected++) {
    const candidate = await fastestThatHolds(safer, holds)
    if (candidate === undefined) return undefined
    if (rejected === MOST_REJECTED || (await isConfirmed(candidate))) return { candidate, rejected }
    const moved = safer.find((own) => own.candidate === candidate)?.divergence ?? 0
    safer = safer.filter(({ divergence }) => divergence < moved)
  }
}

/**
 * The place of the first candidate that holds, by bisection: all after one that holds are taken to hold.
 * @param candidates the fastest first
 * @param start where the answer is expected to change: steps double away from there until it does. Default: nothing is expected
 * @returns their number if the last one does not hold
 */
export async function firstThatHolds<T>(
  candidates: readonly T[],
  holds: (candidate: T) => Promise<boolean>,
  start?: number,
): Promise<number> {
  let [fails, safe] = [-1, candidates.length]
  let step = 1
  for (let at = start ?? Math.floor((safe - 1) / 2); safe - fails > 1; ) {
    if (await holds(candidates[at] as T)) safe = at
    else fails = at
    const isBracketed = start === undefined || (fails >= 0 && safe < candidates.length)
    at = isBracketed ? Math.floor((fails + safe) / 2) : safe === at ? safe - step : fails + step
    at = Math.min(safe - 1, Math.max(fails + 1, at))
    step *= 2
  }
  return safe
}

/** Those whose answers move less than all faster ones', of some that are sorted by time. */
export function frontierOf<T extends Pick<TimedDivergence<unknown>, 'divergence'>>(byTime: readonly T[]): T[] {
  let least = Number.POSITIVE_INFINITY
  return byTime.filter(({ divergence }) => {
    if (divergence >= least) return false
    least = divergence
    return true
  })
}

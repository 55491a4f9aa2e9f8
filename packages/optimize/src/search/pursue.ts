import { seemsWithin } from '../judging/loss.ts'
import { type Candidate, totalPace } from './candidate.ts'
import { firstThatHolds, frontierOf } from './frontier.ts'
import type { Expected, Screened } from './screening.ts'
import type { Search, Tests } from './search.ts'

/** Candidates on the frontier that are tested differ in time by at least this factor. */
const TIME_STEP = 1.03

/** Rows are pursued beyond the frontier whose answers move at most so many times as far as the best's at its time. */
const NEAR = 1.6

/** Fallbacks are looked for at these times, relative to the fastest that holds alone. */
const CASCADES_AT = [1, 0.85, 0.7, 0.55, 0.42, 0.3] as const

/**
 * Tests candidates, so that the fastest that holds is among them: first by bisection along the frontier of expected time and divergence of
 * all rows; then, of each row that is about as good there, those that are faster. A search that begins at an estimate, and goes on until
 * the first failure, would stop too early: with few examples one answer decides.
 */
export async function pursue(search: Search, rows: readonly Screened[], tests: Tests): Promise<void> {
  const { measurer } = search.timing
  const frontier = frontierOfRows(rows)
  if (frontier.length === 0) return
  measurer.begin('search', 2 * rows.length + 4)
  const until = async (candidate: Candidate): Promise<boolean> => {
    // A candidate that is not tried any more counts as failed.
    if (measurer.isLate() && tests.best !== undefined) return false
    return await tests.holds(candidate)
  }
  await firstThatHolds(
    frontier.map(({ candidate }) => candidate),
    until,
  )
  const near = nearRows(rows, tests)
  for (const row of near) {
    const pace = tests.best === undefined ? 1 : totalPace(tests.best)
    const faster = thinned(row.candidates.filter(({ candidate }) => candidate.pace < pace / TIME_STEP))
    if (faster.length > 0 && !measurer.isLate())
      await firstThatHolds(
        faster.map(({ candidate }) => candidate),
        until,
        faster.length - 1,
      )
  }
  if (search.cascade) await addCascades(search, frontier, tests)
}

function frontierOfRows(rows: readonly Screened[]): Expected[] {
  const all = rows.flatMap(({ candidates }) => candidates)
  const byPace = all.sort((a, b) => a.candidate.pace - b.candidate.pace)
  return thinned(frontierOf(byPace))
}

/** The fastest first; neighbors differ in time. The slowest is always among them. */
function thinned<T extends Expected>(expected: readonly T[]): T[] {
  const kept: T[] = []
  for (const own of expected.toReversed()) {
    const before = kept[0]
    if (before === undefined || own.candidate.pace * TIME_STEP <= before.candidate.pace) kept.unshift(own)
  }
  return kept
}

/** Rows whose answers are expected to move about as little as any at the time of the fastest that holds, the best first. */
function nearRows(rows: readonly Screened[], { best }: Tests): Screened[] {
  const pace = best?.pace ?? 1
  const expected = rows
    .map((row) => ({ row, divergence: row.candidates.findLast(({ candidate }) => candidate.pace <= pace)?.divergence }))
    .filter((own): own is { row: Screened; divergence: number } => own.divergence !== undefined)
    .sort((a, b) => a.divergence - b.divergence)
  const least = expected[0]?.divergence ?? 0
  return expected.filter(({ divergence }) => divergence <= NEAR * least).map(({ row }) => row)
}

/** Faster candidates, with as many fallbacks as it takes to hold. */
async function addCascades(search: Search, frontier: readonly Expected[], tests: Tests): Promise<void> {
  const { judge, timing } = search
  const pace = tests.best?.pace ?? 1
  for (const part of CASCADES_AT) {
    const own = frontier.findLast(({ candidate }) => candidate.pace <= part * pace)
    if (own === undefined || timing.measurer.isLate()) break
    const offers = await judge.fallbacks(own.candidate, (losses) => seemsWithin(search, losses))
    const [fewest] = offers
    if (fewest === undefined) continue
    const { threshold, share } = fewest
    tests.add({ ...own.candidate, fallback: { threshold, share } }, true)
  }
}

import type { Candidate } from './candidate.ts'
import type { Shares } from './pruning.ts'
import { type CandidateRow, sharesAt } from './rows.ts'
import type { Search } from './search.ts'
import { timesInTurns } from './times.ts'

/** A row that is worth pursuing, with what is expected of it at any strength. */
export interface Screened {
  readonly row: CandidateRow
  /** Its candidates, the fastest first. */
  readonly candidates: readonly Expected[]
}

export interface Expected {
  readonly candidate: Candidate
  readonly divergence: number
}

/** The parts of the time after which no more rows are compared, and none is timed. */
const [COMPARING, TIMING] = [0.4, 0.55]

/** Rows are compared at about this work, or the least that they can do. */
const COMPARED_AT = [0.7, 0.8, 0.9] as const

/** Those that are pursued are also looked at here, between the comparison and no pruning. */
const ALSO_AT = 0.5

/** At most so many are pursued, … */
const FOLLOWED = 5

/** … and only those whose answers move at most so many times as far as the best's. */
const FARTHEST = 2.5

/** Divergence grows about as this power of the work that is saved. */
const USUAL_POWER = 1.7

/** The work of neighboring candidates of a row. */
const STEP = 0.975
const STRONGEST = 0.12

/**
 * The rows whose answers move least at equal work, on a few examples and without labels; of these the times at two strengths. Times
 * and divergences at others are interpolated.
 * @param base the model with every token, in the form that rows have
 */
export async function screened(
  search: Search,
  rows: readonly CandidateRow[],
  base: Candidate,
): Promise<readonly Screened[]> {
  const { judge, timing } = search
  const { measurer } = timing
  measurer.begin('screening', rows.length)
  const rounding = await judge.divergence(base)
  const looked: { readonly row: CandidateRow; readonly at: Look }[] = []
  for (const row of rows) {
    if (measurer.isLate(COMPARING) && looked.length > 0) break
    const at = await lookAt(search, row, COMPARED_AT, rounding)
    if (at !== undefined) looked.push({ row, at })
  }
  const atEqualWork = ({ at }: (typeof looked)[0]): number =>
    at.divergence * ((1 - COMPARED_AT[0]) / (1 - at.work)) ** USUAL_POWER
  const inOrder = looked.sort((a, b) => atEqualWork(a) - atEqualWork(b))
  const farthest =
    FARTHEST * Math.max(Number.MIN_VALUE, atEqualWork(inOrder[0] ?? { row: rows[0] as CandidateRow, at: NOTHING }))
  const pursued = inOrder.filter((each) => atEqualWork(each) <= farthest).slice(0, FOLLOWED)
  measurer.begin('screening', 2 * pursued.length)
  const found: Screened[] = []
  for (const { row, at } of pursued) {
    if (measurer.isLate(TIMING) && found.length > 0) break
    found.push(await screenedRow(row, at))
  }
  return found

  async function screenedRow(row: CandidateRow, strong: Look): Promise<Screened> {
    const mild = await lookAt(search, row, [1 - ALSO_AT * (1 - strong.work)], rounding)
    const both = [strong, ...(mild ? [mild] : [])]
    const subjects = both.map(({ shares }) => ({ variant: row.variant, shares }))
    const speeds = await timesInTurns(timing, base, subjects)
    const paces = speeds.map(({ value }) => base.pace / value)
    const paceAt = linear(
      both.map(({ work }, i) => [work, paces[i] as number]),
      base.pace,
    )
    const divergenceAt = power(both)
    return {
      row,
      candidates: candidatesOf(row, base.pace, paceAt).map(({ work, candidate }) => ({
        candidate,
        divergence: rounding + divergenceAt(work),
      })),
    }
  }
}

/** The answers of a few examples at a strength. */
interface Look {
  readonly work: number
  readonly shares: Shares
  /** More than that of the model with every token. */
  readonly divergence: number
}

const NOTHING: Look = { work: 1, shares: [], divergence: 0 }

/** Looks at the first of some works that a row can do with. */
async function lookAt(
  { judge }: Search,
  row: CandidateRow,
  works: readonly number[],
  rounding: number,
): Promise<Look | undefined> {
  for (const work of works) {
    const shares = sharesAt(row, work)
    if (shares === undefined) continue
    const divergence = (await judge.divergence({ variant: row.variant, shares })) - rounding
    return { work, shares, divergence: Math.max(divergence, 1e-9) }
  }
  return undefined
}

/** Candidates of all strengths that are faster than with every token, the fastest first. */
function candidatesOf(
  row: CandidateRow,
  most: number,
  paceAt: (work: number) => number,
): { readonly work: number; readonly candidate: Candidate }[] {
  const found: { readonly work: number; readonly candidate: Candidate }[] = []
  for (let work = STEP; work > STRONGEST; work *= STEP) {
    const shares = sharesAt(row, work)
    if (shares === undefined) break
    const pace = paceAt(work)
    if (pace < most) found.unshift({ work, candidate: { variant: row.variant, shares, pace } })
  }
  return found
}

/** Through two points, or one and that of the whole work. */
function linear(points: readonly (readonly [work: number, pace: number])[], whole: number): (work: number) => number {
  const [[x0, y0] = [1, whole], [x1, y1] = [1, whole]] = points
  const slope = Math.max(0, (y1 - y0) / (x1 - x0))
  const least = 0.02 * whole
  return (work) => Math.max(least, y0 + slope * (work - x0))
}

/** A power of the work that is saved, through one point or two. */
function power(points: readonly Look[]): (work: number) => number {
  const [strong = NOTHING, mild] = points
  const saved = ({ work }: Look): number => Math.log(1 - work)
  const exponent =
    mild === undefined ? USUAL_POWER : Math.log(strong.divergence / mild.divergence) / (saved(strong) - saved(mild))
  const usual = Math.min(4, Math.max(0.7, exponent))
  return (work) => strong.divergence * Math.exp(usual * (Math.log(1 - work) - saved(strong)))
}

import { bootstrapMean, type Interval } from '@tp/eval'
import type { Candidate, Contender } from './contenders.ts'
import { type Looking, mostPromising } from './divergences.ts'
import { profileAt } from './equal-time.ts'
import { type DenseAnswers, lossesOf, prunedAnswers } from './measure-answers.ts'
import { evenProfiles, type Profile, sharesAt } from './profile.ts'
import { scheduleOf } from './pruning.ts'
import type { Split } from './split.ts'
import { type InTurns, timedInTurns } from './timed-in-turns.ts'

export interface Chosen {
  readonly candidate: Candidate
  /** Where it was verified. */
  readonly loss: Loss
  /** The fastest of those with one ratio at all sites, or at all but the first, chosen and verified the same way. */
  readonly uniform?: Candidate
}

/** Points of accuracy lost against dense, with 95 % bootstrap intervals. */
interface Loss {
  /** By the labels. */
  readonly labelled: Interval
  /** By the dense model's own probabilities. */
  readonly believed: Interval
}

export interface Choice extends Looking, InTurns {
  readonly split: Split
  readonly maxLoss: number
  /** The dense model's answers to each part. */
  readonly dense: Readonly<Record<'choose' | 'verify', DenseAnswers>>
}

/** Where no schedule with one ratio holds, tokens are divided between the sites for this part of the dense time. */
const HARDLY_PRUNED = 0.9

/**
 * The fastest candidate that loses no more than is allowed. Of each promising contender it is found how fast one ratio at all
 * sites can be, then for that time the best division between the sites, and how fast that can be; the fastest of all are
 * timed in turns, and tried on the examples to verify on.
 */
export async function chooseCandidate(choice: Choice, contenders: readonly Contender[]): Promise<Chosen | undefined> {
  const { measurer, sites } = choice
  const even: (readonly Candidate[])[] = []
  const divided: (readonly Candidate[])[] = []
  for (const contender of await mostPromising(choice, contenders)) {
    const holding = async (profile: Profile): Promise<readonly Candidate[]> => {
      const row = await thoseThatHold(choice, rowOf(contender, profile))
      tellBest(choice, row)
      return row
    }
    measurer.begin('search', 2 * HALVINGS)
    const own: (readonly Candidate[])[] = []
    for (const profile of evenProfiles(sites.length)) own.push(await holding(profile))
    even.push(...own)
    const dense = contender.msOf(sites.map(() => 1))
    const profile = await profileAt(choice, contender, own.flat().sort(byTime)[0]?.ms ?? HARDLY_PRUNED * dense)
    measurer.begin('search', HALVINGS)
    divided.push(await holding(profile))
  }
  measurer.begin('verification', 2)
  const rows = await pacedRows(choice, [...even, ...divided])
  const chosen = await firstVerified(choice, rows)
  const uniform = chosen && (await firstVerified(choice, rows.slice(0, even.length)))
  return chosen && { ...chosen, ...(uniform && { uniform: uniform.candidate }) }
}

/** Rows with the times of their first ones as they were measured, and those of the others in proportion. */
async function pacedRows(choice: Choice, rows: readonly (readonly Candidate[])[]): Promise<Candidate[][]> {
  const timed = await timedInTurns(
    choice,
    rows.flatMap((row) => row.slice(0, 1)),
  )
  return rows.map((row) => {
    const [first] = row
    const pace = (timed.find(({ shares }) => shares === first?.shares)?.ms ?? 0) / (first?.ms ?? 1)
    return row.map((candidate) => ({ ...candidate, ms: pace * candidate.ms }))
  })
}

/** The fastest that holds on the examples to verify on as well. */
async function firstVerified(
  choice: Choice,
  rows: readonly (readonly Candidate[])[],
): Promise<Omit<Chosen, 'uniform'> | undefined> {
  for (const candidate of rows.flatMap(spread).sort(byTime)) {
    const loss = await lossOf(choice, candidate, 'verify')
    if (!holds(choice, loss)) continue
    tellBest(choice, [candidate])
    return { candidate, loss }
  }
  return undefined
}

/** From one schedule of a row to the next the time falls to this part. */
const PACE = 0.98

/** So many of a row are tried, or one less. */
const HALVINGS = 7

/** A profile at all strengths, the fastest first. */
function rowOf({ contestant, msOf }: Contender, profile: Profile): Candidate[] {
  const row: Candidate[] = []
  for (let ms = PACE * msOf(profile.map(() => 1)); row.length < 2 ** HALVINGS - 1; ms *= PACE) {
    const shares = sharesAt(profile, ms, msOf)
    if (shares === undefined) break
    row.unshift({ contestant, shares, ms: msOf(shares) })
  }
  return row
}

/** Of a row the fastest that holds on the examples to choose by, found by halving, and all that are slower. */
async function thoseThatHold(choice: Choice, row: readonly Candidate[]): Promise<readonly Candidate[]> {
  let [fails, safe] = [-1, row.length]
  while (safe - fails > 1) {
    const middle = Math.floor((fails + safe) / 2)
    if (holds(choice, await lossOf(choice, row[middle] as Candidate, 'choose'))) safe = middle
    else fails = middle
  }
  return row.slice(safe)
}

function tellBest({ measurer, sites }: Choice, candidates: readonly Candidate[]): void {
  const [best] = [...candidates].sort(byTime)
  if (best !== undefined) measurer.found(textOf(best, sites))
}

/** One that follows another takes at least so much more time. */
const STEP = 1.04

/** Of a row those that differ from the one before. */
function spread(row: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = []
  for (const candidate of row) if (candidate.ms >= STEP * (kept.at(-1)?.ms ?? 0)) kept.push(candidate)
  return kept
}

/** Points lost against dense, paired by example. */
async function lossOf(choice: Choice, { contestant, shares }: Candidate, part: 'choose' | 'verify'): Promise<Loss> {
  const { sites, split, dense } = choice
  const pruning = { method: contestant.method, schedule: scheduleOf(sites, shares) }
  const answers = await prunedAnswers(choice, `${contestant.name} ${shares.join(' ')} ${part}`, pruning, split[part])
  const { labelled, believed } = lossesOf(dense[part], answers, split[part].targets)
  return { labelled: bootstrapMean(labelled), believed: bootstrapMean(believed) }
}

/** Whether neither way of counting says that more is lost than is allowed. */
function holds({ maxLoss }: Choice, { labelled, believed }: Loss): boolean {
  return Math.max(labelled.estimate, believed.estimate) <= maxLoss
}

function byTime(a: Candidate, b: Candidate): number {
  return a.ms - b.ms
}

/** `balanced: keep 0.8 at block 1, 0.75 at block 3` */
function textOf({ contestant, shares }: Candidate, sites: readonly number[]): string {
  const amounts = [...scheduleOf(sites, shares)].map(([block, { value }]) => `${value} at block ${block}`)
  return `${contestant.name}: keep ${amounts.join(', ')}`
}

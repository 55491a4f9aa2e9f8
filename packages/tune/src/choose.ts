import { mean } from 'simple-statistics'
import { leastAgain, lossesWith } from './cascades.ts'
import { byTime, type Candidate, type Contender, totalMs } from './contenders.ts'
import { type Looking, mostPromising } from './divergences.ts'
import { profileAt } from './equal-time.ts'
import { type Loss, seemsWithin, type Tolerance } from './loss.ts'
import { type Answers, type Losses, prunedAnswers } from './measure-answers.ts'
import { evenProfiles, type Profile, sharesAt } from './profile.ts'
import { scheduleOf } from './pruning.ts'
import type { Split } from './split.ts'
import { type InTurns, timedInTurns } from './timed-in-turns.ts'
import { LOOKS, verifyInSequence } from './verify.ts'

export interface Chosen {
  readonly candidate: Candidate
  /** Where it was verified. */
  readonly loss: Loss
  /** The fastest with one ratio at all sites, or at all but the first, and nothing run again, chosen and verified the same way. */
  readonly uniform?: Candidate
}

export interface Choice extends Looking, InTurns, Tolerance {
  readonly split: Split
  /** Whether uncertain answers may be run again dense. */
  readonly cascade: boolean
  /** The dense model's answers to each part. */
  readonly dense: Readonly<Record<'choose' | 'verify', Answers>>
}

/** Where no schedule with one ratio holds, tokens are divided between the sites for this part of the dense time. */
const HARDLY_PRUNED = 0.9

/**
 * The fastest candidate that loses no more than is allowed. Of each promising contender it is found how fast one ratio at all
 * sites can be, then for that time the best division between the sites, and how fast that can be; where answers may be run
 * again, all of it faster as well, with so many run again that it holds. The fastest of all are timed in turns, and verified on other examples.
 */
export async function chooseCandidate(choice: Choice, contenders: readonly Contender[]): Promise<Chosen | undefined> {
  const { measurer, sites } = choice
  const even: (readonly Candidate[])[] = []
  const others: (readonly Candidate[])[] = []
  for (const contender of await mostPromising(choice, contenders)) {
    const dense = contender.msOf(sites.map(() => 1))
    const found = async (profile: Profile): Promise<{ alone: readonly Candidate[]; again: readonly Candidate[] }> => {
      const row = rowOf(contender, profile)
      const alone = await thoseThatHold(choice, row)
      const again = choice.cascade ? await cascadesOf(choice, row.slice(0, row.length - alone.length), dense) : []
      tellBest(choice, [...even, ...others, alone, again].flat())
      return { alone, again }
    }
    measurer.begin('search', 2 * HALVINGS)
    const own: Candidate[] = []
    for (const profile of evenProfiles(sites.length)) {
      const { alone, again } = await found(profile)
      even.push(alone)
      others.push(again)
      own.push(...alone, ...again)
    }
    const profile = await profileAt(choice, contender, own.sort(byTime)[0]?.ms ?? HARDLY_PRUNED * dense)
    measurer.begin('search', HALVINGS)
    const { alone, again } = await found(profile)
    others.push(alone, again)
  }
  measurer.begin('verification', 2 * LOOKS.length)
  const rows = await pacedRows(choice, [...even, ...others])
  const chosen = await verified(choice, rows)
  tellBest(choice, chosen === undefined ? [] : [chosen.candidate])
  const uniform = chosen && (await verified(choice, rows.slice(0, even.length)))
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
function verified(
  choice: Choice,
  rows: readonly (readonly Candidate[])[],
): Promise<Omit<Chosen, 'uniform'> | undefined> {
  const candidates = spread(rows.flat().sort(byTime))
  return verifyInSequence(choice, candidates, (candidate) => lossesOn(choice, candidate, 'verify'))
}

/** From one schedule of a row to the next the time falls to this part. */
const PACE = 0.98

/** So many of a row are tried, or one less. */
const HALVINGS = 7

/** A profile at all strengths, the fastest first. */
function rowOf({ variant, msOf }: Contender, profile: Profile): Candidate[] {
  const row: Candidate[] = []
  for (let ms = PACE * msOf(profile.map(() => 1)); row.length < 2 ** HALVINGS - 1; ms *= PACE) {
    const shares = sharesAt(profile, ms, msOf)
    if (shares === undefined) break
    row.unshift({ variant, shares, ms: msOf(shares) })
  }
  return row
}

/** Of a row so many are passed over: what is run again changes slowly. */
const STRIDE = 3

/** So many in a row that are no faster, all in all, end a search. */
const NO_FASTER = 3

/**
 * Of schedules that do not hold by themselves, the fastest first, those from the slowest on with so many answers run again that they
 * hold: for each step of time, all in all, the one that loses least by the dense model's own belief. Ends where what is run again costs more
 * than is saved.
 */
async function cascadesOf(choice: Choice, row: readonly Candidate[], denseMs: number): Promise<readonly Candidate[]> {
  const { dense, split } = choice
  const found = new Map<number, { readonly candidate: Candidate; readonly loss: number }>()
  let [least, noFaster] = [Number.POSITIVE_INFINITY, 0]
  for (let i = row.length - 1; i >= 0 && noFaster < NO_FASTER; i -= STRIDE) {
    const schedule = row[i] as Candidate
    const answers = await answersOf(choice, schedule, 'choose')
    const offered = leastAgain(dense.choose, answers, split.choose.targets, (losses) => seemsWithin(choice, losses))
    const before = least
    for (const { losses, ...again } of offered) {
      const candidate = { ...schedule, again: { ...again, ms: again.share * denseMs } }
      const loss = mean(losses.expected)
      const step = Math.floor(Math.log(totalMs(candidate)) / Math.log(STEP))
      if (loss < (found.get(step)?.loss ?? Number.POSITIVE_INFINITY)) found.set(step, { candidate, loss })
      least = Math.min(least, totalMs(candidate))
    }
    noFaster = least < before ? 0 : noFaster + 1
  }
  return [...found.values()].map(({ candidate }) => candidate).sort((a, b) => a.ms - b.ms)
}

/** Of a row the fastest that holds on the examples to choose by, found by halving, and all that are slower. */
async function thoseThatHold(choice: Choice, row: readonly Candidate[]): Promise<readonly Candidate[]> {
  let [fails, safe] = [-1, row.length]
  while (safe - fails > 1) {
    const middle = Math.floor((fails + safe) / 2)
    if (seemsWithin(choice, await lossesOn(choice, row[middle] as Candidate, 'choose'))) safe = middle
    else fails = middle
  }
  return row.slice(safe)
}

function tellBest({ measurer, sites }: Choice, candidates: readonly Candidate[]): void {
  const [best] = candidates.toSorted(byTime)
  if (best !== undefined) measurer.found(textOf(best, sites))
}

/** One that follows another takes at least so much more time. */
const STEP = 1.04

/** Of candidates, the fastest first, those that differ from the one before. */
function spread(candidates: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = []
  for (const candidate of candidates) {
    const [before] = kept.slice(-1).map(totalMs)
    if (totalMs(candidate) >= STEP * (before ?? 0)) kept.push(candidate)
  }
  return kept
}

function answersOf(choice: Choice, { variant, shares }: Candidate, part: 'choose' | 'verify'): Promise<Answers> {
  const { sites, split } = choice
  const pruning = { method: variant.method, schedule: scheduleOf(sites, shares) }
  return prunedAnswers(choice, `${variant.name} ${shares.join(' ')} ${part}`, pruning, split[part])
}

async function lossesOn(choice: Choice, candidate: Candidate, part: 'choose' | 'verify'): Promise<Losses> {
  const { dense, split } = choice
  const answers = await answersOf(choice, candidate, part)
  return lossesWith(dense[part], answers, split[part].targets, candidate.again?.threshold)
}

/** `balanced: keep 0.8 at layer 1, 0.75 at layer 3` */
function textOf({ variant, shares, again }: Candidate, sites: readonly number[]): string {
  const amounts = [...scheduleOf(sites, shares)].map(([layer, { value }]) => `${value} at layer ${layer}`)
  const guarded = again === undefined ? '' : `, ${Math.round(100 * again.share)} % run again`
  return `${variant.name}: keep ${amounts.join(', ')}${guarded}`
}

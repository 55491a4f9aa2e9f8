import { byTime, type Candidate, candidateText, TIME_STEP, totalMs } from './candidate.ts'
import { type ChoiceOptions, divergenceOf, lossesOn } from './candidate-answers.ts'
import { cascadesOf } from './cascade-candidates.ts'
import type { Contender } from './contenders.ts'
import { mostPromising } from './divergences.ts'
import { type EightBits, eightBitsAlone } from './eight-bits.ts'
import { profileAt } from './equal-time.ts'
import { fastestThatHolds, type TimedDivergence } from './frontier.ts'
import { type LeftOut, withFewerLayers } from './leave-out.ts'
import { type Loss, lossOf, seemsWithin } from './loss.ts'
import { evenProfiles, type Profile } from './profile.ts'
import { HALVINGS, rowOf, type Tried, triedOf } from './strengths.ts'
import { timedInTurns } from './timed-in-turns.ts'
import { verifyInSequence } from './verify.ts'
import { worthVerifying } from './worth-verifying.ts'

export interface Chosen {
  readonly candidate: Candidate
  /** On the examples that it was verified on, or on all, which have also chosen it. */
  readonly loss: Loss
  /** The fastest with one keep ratio at all sites, or at all but the first, and no fallback, chosen the same way. */
  readonly uniform?: Candidate
}

export interface Choice {
  /** Undefined if none holds. */
  readonly chosen: Chosen | undefined
  /** Where these were to be tried. */
  readonly eightBits: EightBits | undefined
  readonly leftOut: LeftOut | undefined
}

/** If no schedule with one keep ratio holds, profiles are compared at this share of the dense time. */
const HARDLY_PRUNED = 0.9

/**
 * The fastest candidate that loses no more than is allowed. For each promising contender: how fast one keep ratio at all sites
 * can be, then the best profile over the sites for that time, and how fast that can be. If a cascade is allowed, also faster
 * schedules with as many fallbacks as it takes to hold. 8 bits and fewer layers without pruning are candidates, too.
 * The fastest of all are timed alternately. Of those that were tried the choice is by bisection along the frontier of time and
 * divergence; or, for a confident bound, they are verified on other examples.
 */
export async function chooseCandidate(choice: ChoiceOptions, contenders: readonly Contender[]): Promise<Choice> {
  const { measurer, sites } = choice
  measurer.begin('search', 1)
  const whole = await eightBitsAlone(choice, contenders)
  const isUsable = ({ variant }: Contender): boolean => variant.quantize === undefined || whole?.about.holds === true
  const even: Tried[] = []
  const eightBits = whole?.about.holds ? whole.candidate : undefined
  const fewer = await withFewerLayers(choice, contenders, eightBits)
  const unpruned = [...(eightBits ? [[eightBits]] : []), ...(fewer?.rows ?? [])]
  // Nothing is gained by a slower one, and it could fail the verification of those after it.
  const denseMs = contenders[0]?.denseMs ?? Number.POSITIVE_INFINITY
  const others: Tried[] = unpruned.map((row) => allHolding(row.filter(({ ms }) => ms < denseMs)))
  tellBest(choice, others)
  // One profile is tried whatever the time is.
  const isEnough = (): boolean => measurer.isLate && even.length > 0
  for (const contender of await mostPromising(choice, contenders.filter(isUsable))) {
    if (isEnough()) break
    const dense = contender.msOf(sites.map(() => 1))
    const found = async (profile: Profile): Promise<{ readonly alone: Tried; readonly fallback: Tried }> => {
      const row = rowOf(contender, profile)
      const alone = await triedOf(choice, row)
      const failing = row.slice(0, row.length - alone.holding.length)
      const fallback = allHolding(choice.cascade ? await cascadesOf(choice, failing, contender.denseMs) : [])
      tellBest(choice, [...even, ...others, alone, fallback])
      return { alone, fallback }
    }
    measurer.begin('search', 2 * HALVINGS)
    const own: Candidate[] = []
    for (const profile of evenProfiles(sites.length)) {
      const { alone, fallback } = await found(profile)
      even.push(alone)
      others.push(fallback)
      own.push(...alone.holding, ...fallback.holding)
    }
    if (isEnough()) break
    const profile = await profileAt(choice, contender, own.sort(byTime)[0]?.ms ?? HARDLY_PRUNED * dense)
    measurer.begin('search', HALVINGS)
    const { alone, fallback } = await found(profile)
    others.push(alone, fallback)
  }
  measurer.begin('verification', 1)
  const rows = await pacedRows(choice, [...even, ...others])
  const best = choice.confident ? verified : chosenOnAll
  const chosen = await best(choice, rows)
  if (chosen !== undefined) measurer.found(candidateText(chosen.candidate, sites))
  const uniform = chosen && (await best(choice, rows.slice(0, even.length)))
  return {
    chosen: chosen && { ...chosen, ...(uniform && { uniform: uniform.candidate }) },
    eightBits: whole?.about,
    leftOut: fewer?.about,
  }
}

/** Candidates that were tested, and all hold. */
function allHolding(candidates: readonly Candidate[]): Tried {
  return { holding: candidates, tested: candidates }
}

/** Rows with the measured times of the fastest candidates that hold, and the others in proportion. */
async function pacedRows(choice: ChoiceOptions, rows: readonly Tried[]): Promise<Tried[]> {
  const timed = await timedInTurns(
    choice,
    rows.flatMap(({ holding }) => holding.slice(0, 1)),
  )
  return rows.map(({ holding, tested }) => {
    const [first] = holding
    const pace = (timed.find(({ shares }) => shares === first?.shares)?.ms ?? 0) / (first?.ms ?? 1)
    const paced = (candidates: readonly Candidate[]): Candidate[] =>
      first === undefined ? [] : candidates.map((candidate) => ({ ...candidate, ms: pace * candidate.ms }))
    return { holding: paced(holding), tested: paced(tested) }
  })
}

type Found = Omit<Chosen, 'uniform'>

/** Of the candidates that were tested, the fastest that holds on the frontier of time and divergence: all examples choose. */
async function chosenOnAll(choice: ChoiceOptions, rows: readonly Tried[]): Promise<Found | undefined> {
  const measured: TimedDivergence<Candidate>[] = []
  for (const candidate of rows.flatMap(({ tested }) => tested)) {
    measured.push({ candidate, ms: totalMs(candidate), divergence: await divergenceOf(choice, candidate) })
  }
  const lossesOf = (candidate: Candidate) => lossesOn(choice, candidate, 'choose')
  const candidate = await fastestThatHolds(measured, async (own) => seemsWithin(choice, await lossesOf(own)))
  return candidate && { candidate, loss: lossOf(await lossesOf(candidate)) }
}

/** The fastest that also holds on the verification examples, which no choice has seen. */
async function verified(choice: ChoiceOptions, rows: readonly Tried[]): Promise<Found | undefined> {
  const holding = rows.flatMap(({ holding }) => holding).sort(byTime)
  const candidates = spread(await worthVerifying(choice, holding))
  return verifyInSequence(choice.maxLoss, candidates, (candidate) => lossesOn(choice, candidate, 'verify'))
}

function tellBest({ measurer, sites }: ChoiceOptions, rows: readonly Tried[]): void {
  const [best] = rows.flatMap(({ holding }) => holding).sort(byTime)
  if (best !== undefined) measurer.found(candidateText(best, sites))
}

/** Of candidates, the fastest first, those that differ from the one before. */
function spread(candidates: readonly Candidate[]): Candidate[] {
  const kept: Candidate[] = []
  for (const candidate of candidates) {
    const [before] = kept.slice(-1).map(totalMs)
    if (totalMs(candidate) >= TIME_STEP * (before ?? 0)) kept.push(candidate)
  }
  return kept
}

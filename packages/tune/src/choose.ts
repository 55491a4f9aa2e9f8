import { byTime, type Candidate, candidateText, TIME_STEP, totalMs } from './candidate.ts'
import { type ChoiceOptions, lossesOn } from './candidate-answers.ts'
import { cascadesOf } from './cascade-candidates.ts'
import type { Contender } from './contenders.ts'
import { mostPromising } from './divergences.ts'
import { type EightBits, eightBitsAlone } from './eight-bits.ts'
import { profileAt } from './equal-time.ts'
import { type LeftOut, withFewerLayers } from './leave-out.ts'
import type { Loss } from './loss.ts'
import { evenProfiles, type Profile } from './profile.ts'
import { HALVINGS, rowOf, thoseThatHold } from './strengths.ts'
import { timedInTurns } from './timed-in-turns.ts'
import { LOOKS, verifyInSequence } from './verify.ts'
import { worthVerifying } from './worth-verifying.ts'

export interface Chosen {
  readonly candidate: Candidate
  /** Where it was verified. */
  readonly loss: Loss
  /** The fastest with one keep ratio at all sites, or at all but the first, and no fallback, chosen and verified the same way. */
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
 * The fastest of all are timed alternately, and verified on other examples.
 */
export async function chooseCandidate(choice: ChoiceOptions, contenders: readonly Contender[]): Promise<Choice> {
  const { measurer, sites } = choice
  measurer.begin('search', 1)
  const whole = await eightBitsAlone(choice, contenders)
  const isUsable = ({ variant }: Contender): boolean => variant.quantize === undefined || whole?.about.holds === true
  const even: (readonly Candidate[])[] = []
  const eightBits = whole?.about.holds ? whole.candidate : undefined
  const fewer = await withFewerLayers(choice, contenders, eightBits)
  const unpruned = [...(eightBits ? [[eightBits]] : []), ...(fewer?.rows ?? [])]
  // Nothing is gained by a slower one, and it could fail the verification of those after it.
  const denseMs = contenders[0]?.denseMs ?? Number.POSITIVE_INFINITY
  const others: (readonly Candidate[])[] = unpruned.map((row) => row.filter(({ ms }) => ms < denseMs))
  tellBest(choice, others.flat())
  // One profile is tried whatever the time is.
  const isEnough = (): boolean => measurer.isLate && even.length > 0
  for (const contender of await mostPromising(choice, contenders.filter(isUsable))) {
    if (isEnough()) break
    const dense = contender.msOf(sites.map(() => 1))
    const found = async (
      profile: Profile,
    ): Promise<{ alone: readonly Candidate[]; fallback: readonly Candidate[] }> => {
      const row = rowOf(contender, profile)
      const alone = await thoseThatHold(choice, row)
      const fallback = choice.cascade
        ? await cascadesOf(choice, row.slice(0, row.length - alone.length), contender.denseMs)
        : []
      tellBest(choice, [...even, ...others, alone, fallback].flat())
      return { alone, fallback }
    }
    measurer.begin('search', 2 * HALVINGS)
    const own: Candidate[] = []
    for (const profile of evenProfiles(sites.length)) {
      const { alone, fallback } = await found(profile)
      even.push(alone)
      others.push(fallback)
      own.push(...alone, ...fallback)
    }
    if (isEnough()) break
    const profile = await profileAt(choice, contender, own.sort(byTime)[0]?.ms ?? HARDLY_PRUNED * dense)
    measurer.begin('search', HALVINGS)
    const { alone, fallback } = await found(profile)
    others.push(alone, fallback)
  }
  measurer.begin('verification', 2 * LOOKS.length)
  const rows = await pacedRows(choice, [...even, ...others])
  const chosen = await verified(choice, rows)
  tellBest(choice, chosen === undefined ? [] : [chosen.candidate])
  const uniform = chosen && (await verified(choice, rows.slice(0, even.length)))
  return {
    chosen: chosen && { ...chosen, ...(uniform && { uniform: uniform.candidate }) },
    eightBits: whole?.about,
    leftOut: fewer?.about,
  }
}

/** Rows with the measured times of their first candidates, and the others in proportion. */
async function pacedRows(choice: ChoiceOptions, rows: readonly (readonly Candidate[])[]): Promise<Candidate[][]> {
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

/** The fastest that also holds on the verification examples. */
async function verified(
  choice: ChoiceOptions,
  rows: readonly (readonly Candidate[])[],
): Promise<Omit<Chosen, 'uniform'> | undefined> {
  const candidates = spread(await worthVerifying(choice, rows.flat().sort(byTime)))
  return verifyInSequence(choice, candidates, (candidate) => lossesOn(choice, candidate, 'verify'))
}

function tellBest({ measurer, sites }: ChoiceOptions, candidates: readonly Candidate[]): void {
  const [best] = candidates.toSorted(byTime)
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

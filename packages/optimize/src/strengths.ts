import type { Candidate } from './candidate.ts'
import { type ChoiceOptions, lossesOn } from './candidate-answers.ts'
import type { Contender } from './contenders.ts'
import { firstThatHolds } from './frontier.ts'
import { seemsWithin } from './loss.ts'
import { type Profile, sharesAt } from './profile.ts'

/** The ratio of times of neighboring schedules of a row. */
const PACE = 0.98

/** The number of schedules of a row that are tried, or one less. */
export const HALVINGS = 7

/** A profile at all strengths, the fastest first. */
export function rowOf(contender: Contender, profile: Profile): Candidate[] {
  const { variant, msOf } = contender
  const row: Candidate[] = []
  for (let ms = PACE * msOf(profile.map(() => 1)); row.length < 2 ** HALVINGS - 1; ms *= PACE) {
    const shares = sharesAt(profile, ms, contender)
    if (shares === undefined) break
    row.unshift({ variant, shares, ms: msOf(shares) })
  }
  return row
}

/** Candidates that differ in strength, the fastest first. */
export interface Tried {
  /** The fastest that holds on the choosing examples, and all slower ones. */
  readonly holding: readonly Candidate[]
  /** Those that were tested, whether they hold or not. */
  readonly tested: readonly Candidate[]
}

/** The fastest of a row that holds on the choosing examples, found by bisection. */
export async function triedOf(choice: ChoiceOptions, row: readonly Candidate[]): Promise<Tried> {
  const tested = new Set<Candidate>()
  const first = await firstThatHolds(row, async (candidate) => {
    tested.add(candidate)
    return seemsWithin(choice, await lossesOn(choice, candidate, 'choose'))
  })
  return { holding: row.slice(first), tested: row.filter((candidate) => tested.has(candidate)) }
}

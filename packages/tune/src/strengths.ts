import type { Candidate } from './candidate.ts'
import { type Choice, lossesOn } from './candidate-answers.ts'
import type { Contender } from './contenders.ts'
import { seemsWithin } from './loss.ts'
import { type Profile, sharesAt } from './profile.ts'

/** From one schedule of a row to the next the time falls to this part. */
const PACE = 0.98

/** So many of a row are tried, or one less. */
export const HALVINGS = 7

/** A profile at all strengths, the fastest first. */
export function rowOf({ variant, msOf }: Contender, profile: Profile): Candidate[] {
  const row: Candidate[] = []
  for (let ms = PACE * msOf(profile.map(() => 1)); row.length < 2 ** HALVINGS - 1; ms *= PACE) {
    const shares = sharesAt(profile, ms, msOf)
    if (shares === undefined) break
    row.unshift({ variant, shares, ms: msOf(shares) })
  }
  return row
}

/** Of a row the fastest that holds on the examples to choose by, found by halving, and all that are slower. */
export async function thoseThatHold(choice: Choice, row: readonly Candidate[]): Promise<readonly Candidate[]> {
  let [fails, safe] = [-1, row.length]
  while (safe - fails > 1) {
    const middle = Math.floor((fails + safe) / 2)
    if (seemsWithin(choice, await lossesOn(choice, row[middle] as Candidate, 'choose'))) safe = middle
    else fails = middle
  }
  return row.slice(safe)
}

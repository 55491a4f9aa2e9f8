import { isWithin, type Loss, lossOf, seemsWithin, type Tolerance } from './loss.ts'
import type { Losses } from './measure-answers.ts'

/** Of candidates by time, these are looked at on the examples to verify on: close together where they are fast. */
export const LOOKS: readonly number[] = [0, 1, 2, 4, 8, 16]

/**
 * The fastest candidate that holds on examples which nothing was chosen by, in fixed sequence: in an order that was settled before
 * any of those was seen, from the slowest on, each is tested at full level until the first that fails, and the last one before it is
 * taken. One that loses too much is then taken with no more than the probability of a single test, however many are looked at (Maurer,
 * Hothorn and Lehmacher 1995; `calibrateCascade` of @tp/guard does the same). To try the fastest first, and go on until one holds, would give chance
 * as many tries.
 * @param candidates the fastest first
 * @param lossesOf what one loses, by example
 */
export async function verifyInSequence<T>(
  tolerance: Tolerance,
  candidates: readonly T[],
  lossesOf: (candidate: T) => Promise<Losses>,
): Promise<{ readonly candidate: T; readonly loss: Loss } | undefined> {
  let last: { readonly candidate: T; readonly loss: Loss } | undefined
  for (const candidate of LOOKS.flatMap((place) => candidates[place] ?? []).reverse()) {
    const losses = await lossesOf(candidate)
    // What does not even seem to hold does not, and exact limits take their time.
    if (!seemsWithin(tolerance, losses)) break
    const loss = lossOf(losses)
    if (!isWithin(tolerance, loss)) break
    last = { candidate, loss }
  }
  return last
}

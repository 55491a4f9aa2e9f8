import type { Losses } from './answers.ts'
import { isProven, type Loss, lossOf, seemsProven } from './loss.ts'

/** The candidates by time that are tested on the verification examples: close together where they are fast, … */
const LOOKS: readonly number[] = [0, 1, 2, 4, 8, 16]

/**
 * The fastest candidate whose loss is proven to be within what is allowed on the verification examples, by fixed-sequence testing:
 * in an order fixed before those examples are used, from the slowest on, each is tested at full level until the first failure, and
 * the last one before it is taken. A candidate that loses too much is then taken with at most the probability of a single test,
 * however many are tested (Maurer, Hothorn and Lehmacher 1995; `calibrateCascade` of @tp/guard does the same). Trying the fastest
 * first until one holds would give chance as many tries.
 * @param maxLoss points
 * @param candidates the fastest first
 * @param lossesOf the losses of a candidate, by example
 */
export async function verifyInSequence<T>(
  maxLoss: number,
  candidates: readonly T[],
  lossesOf: (candidate: T) => Promise<Losses>,
): Promise<{ readonly candidate: T; readonly loss: Loss } | undefined> {
  let last: { readonly candidate: T; readonly loss: Loss } | undefined
  const tested = candidates.filter((_, i) => LOOKS.includes(i))
  for (const candidate of tested.reverse()) {
    const losses = await lossesOf(candidate)
    // A candidate that fails the fast test fails the exact one, which is slow.
    if (!seemsProven(maxLoss, losses)) break
    const loss = lossOf(losses)
    if (!isProven(maxLoss, loss)) break
    last = { candidate, loss }
  }
  return last
}

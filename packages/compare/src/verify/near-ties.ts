import { readProvenance } from '@tp/compiler'
import { type Comparison, roundsToBytes } from './compare-answers.ts'
import { notVerified } from './differences.ts'
import { movedAnswers, type SourceRuns } from './moved-answers.ts'

/** Where a tie is exact (of two keys each is as far from their mean), one of four or five rounds it the other way. */
const TRIES = 16
/** A difference counts as that of a near tie up to so many times what rounding the source otherwise makes. */
const TIMES = 3
/** By how large a share a sum may differ in another order, … */
const SINGLE = 1e-6
/** … and a packed attention whose values are in 8 bits. */
const BYTES = 1e-3

/**
 * Requires of answers that differ that a near tie explains them: which of two tokens with nearly the same score is kept may depend on how sums are
 * rounded. Then the source, too, gives such examples other answers, as far from its own, where its numbers are rounded otherwise.
 * @throws TpError TP_VERIFY for an answer that the source does not give by rounding
 */
export async function requireNearTies({ beyond, measure }: Comparison, before: SourceRuns): Promise<void> {
  const share = roundsToBytes(before.source) ? BYTES : SINGLE
  const tries = readProvenance(before.source).some(({ cuts }) => cuts.length > 0) ? TRIES : 0
  let open = beyond
  for (let seed = 1; seed <= tries && open.length > 0; seed++) {
    const moved = await movedAnswers(open, before, { share: seed % 2 === 0 ? share : share / 4, seed, measure })
    open = open.filter(({ example, distance }) => distance > TIMES * (moved.get(example) ?? 0))
  }
  const [first] = open
  if (first !== undefined) throw notVerified(first.problem)
}

import type { Tensor } from '../expression/tensor.ts'
import { checkOptions, type NoOptions } from '../method/options.ts'
import { type Scorer, scorer } from '../method/scorer.ts'
import type { Site } from '../method/site.ts'
import { floor, mul, sub } from '../ops/index.ts'

/** (√5 − 1)/2, the number hardest to approximate by fractions. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * Keeps tokens that are spread evenly by a quasi-random sequence: the golden ratio's.
 *
 *   score_j = frac(φ · i_j),   φ = (√5 − 1)/2, i_j ordinal of the token among the real ones, from 0             [B,N]
 *
 * Gaps between kept tokens have at most three different lengths at any keep ratio. And since φ is far from every
 * fraction, rows of an image do not line up, as `stride`'s do (of 14 × 14 patches a stride of 2 keeps seven columns).
 *
 * Attention is an average over tokens. Evenly spread ones estimate it without bias; the tokens with the highest scores do
 * not: see docs/findings.md for images where that matters. The additive recurrence of quasi-Monte Carlo
 * (Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods, SIAM 1992, chapter 3).
 */
export function quasiRandom(options: NoOptions = {}): Scorer {
  checkOptions('quasi-random', {}, options)
  return scorer({ name: 'quasi-random', family: 'baseline', score: goldenSequence })
}

function goldenSequence({ ordinal }: Site): Tensor {
  const turns = mul(ordinal, GOLDEN)
  return sub(turns, floor(turns))
}

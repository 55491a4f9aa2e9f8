import { distanceOf, heldWithin, ownDistances } from './answers.ts'
import { notVerified, relativeDistance } from './differences.ts'
import { roundingOf } from './rounding.ts'
import type { Arrangement } from './trials.ts'
import { answersOfBoth, type VerifyOptions } from './verify-same.ts'

/** How far a file in 8 bits is from its source on random examples of unequal lengths. */
export interface QuantizedComparison {
  /** By arrangement, the largest distance of an output, as a share of its size (2-norms). */
  readonly distances: Partial<Record<Arrangement, number>>
  /** The same between its own answers to examples in batches and alone: the ranges that it rounds by depend on the batch. */
  readonly own: number
}

/** In a batch and with padding, rounding may move answers by so many times what it moves them by alone, … */
const TIMES = 3
/** … or by half of their size. */
const LEAST = 0.5

/**
 * Verifies that outputs of a model in 8 bits are finite, and that padding moves them no more than rounding explains. How far its answers are
 * from those of the source depends on the examples: random ones say little, so that no distance is refused.
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT
 */
export async function verifyQuantized(options: VerifyOptions): Promise<QuantizedComparison> {
  const { dense, changed } = await answersOfBoth(options)
  const compared = heldWithin(ownDistances(dense, relativeDistance), roundingOf(options.source))
  const distances: Partial<Record<Arrangement, number>> = {}
  for (const [i, { arrangement, outputs }] of dense.entries()) {
    if (!compared.includes(arrangement)) continue
    const far = distanceOf(changed[i]?.outputs ?? {}, outputs, relativeDistance)
    distances[arrangement] = Math.max(distances[arrangement] ?? 0, far)
  }
  const alone = distances.alone ?? 0
  for (const [arrangement, far] of Object.entries(distances)) {
    if (arrangement === 'alone' || far <= Math.max(LEAST, TIMES * alone)) continue
    const shares = [far, alone].map((share) => `${(100 * share).toPrecision(2)} %`)
    throw notVerified(
      `${arrangement}, outputs differ from the source's by ${shares[0]} of their size, alone by ${shares[1]}`,
    )
  }
  const after = ownDistances(changed, relativeDistance)
  return { distances, own: Math.max(0, ...compared.map((each) => after.get(each) ?? 0)) }
}

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

export interface VerifyQuantizedOptions extends VerifyOptions {
  /**
   * Whether the file in 8 bits rounds by ranges of whole batches (`roundsByBatch` of `@tp/compiler`); default true. One that does not has to
   * give an example the answer that it gets alone, in every arrangement in which the answers of the source do not change by a bit.
   */
  readonly roundsByBatch?: boolean | undefined
}

/** Answers that do not depend on the batch: as exact as the sums of a runtime are. */
const SAME = 1e-6

/** In a batch and with padding, rounding may move answers by so many times what it moves them by alone, … */
const TIMES = 3
/** … or by half of their size. */
const LEAST = 0.5

/**
 * Verifies that outputs of a model in 8 bits are finite, and that batches and padding move them no more than rounding explains: not at all where
 * no range is taken over a batch. How far its answers are
 * from those of the source depends on the examples: random ones say little, so that no distance is refused.
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT
 */
export async function verifyQuantized(options: VerifyQuantizedOptions): Promise<QuantizedComparison> {
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
  if (options.roundsByBatch === false) requireSame(after, heldWithin(ownDistances(dense, relativeDistance), 0))
  return { distances, own: Math.max(0, ...compared.map((each) => after.get(each) ?? 0)) }
}

/** @param exact the arrangements in which it has to answer as alone */
function requireSame(own: ReadonlyMap<Arrangement, number>, exact: readonly Arrangement[]): void {
  for (const arrangement of exact) {
    const far = own.get(arrangement) ?? 0
    if (far <= SAME) continue
    const seen = `${arrangement}, answers differ from those alone by ${(100 * far).toPrecision(2)} % of their size`
    throw notVerified(`${seen}, although each token is rounded by itself`)
  }
}

import { inspectDecoder } from '@tp/compiler'
import { verifyRuns } from '../decoding/verify-last-logits.ts'
import { notVerified, relativeDistance } from '../model/compare-outputs.ts'
import type { ModelFile } from '../model/model-file.ts'
import { roundingOf } from '../model/rounding.ts'
import { percentage } from '../output/numbers.ts'
import { distanceOf, ownDistances } from '../verifying/answers.ts'
import { answersOfBoth } from '../verifying/answers-of-both.ts'
import { type Arrangement, arrangements } from '../verifying/trials.ts'

/** How far a file in 8 bits is from its source on random examples of unequal lengths. */
export interface QuantizeVerification {
  /** By arrangement, the largest distance of an output, as a share of its size (2-norms); empty for a decoder, which is only run. */
  readonly distances: Partial<Record<Arrangement, number>>
  /** The same between its own answers to examples in batches and alone: the ranges that it rounds by depend on the batch. */
  readonly own: number
}

/** In a batch and with padding, rounding may move answers by so many times what it moves them by alone, … */
const TIMES = 3
/** … or by half of their size. */
const LEAST = 0.5

/**
 * Runs a model in 8 bits and its source: outputs are finite, and padding moves them no more than rounding explains.
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyQuantized(
  source: ModelFile,
  path: string,
  signal: AbortSignal,
): Promise<QuantizeVerification> {
  const decoder = inspectDecoder(source.model)
  if (decoder.ok) {
    await verifyRuns(source, path, decoder, signal)
    return { distances: {}, own: 0 }
  }
  const { dense, changed } = await answersOfBoth({ source, path, runtime: 'node', signal })
  const before = ownDistances(dense, relativeDistance)
  const rounding = roundingOf(source.model)
  // Elsewhere the source itself does not answer as alone.
  const compared = arrangements.filter((each) => (before.get(each) ?? Number.POSITIVE_INFINITY) <= rounding)
  const distances: Partial<Record<Arrangement, number>> = {}
  for (const [i, { arrangement, outputs }] of dense.entries()) {
    if (!compared.includes(arrangement)) continue
    const far = distanceOf(changed[i]?.outputs ?? {}, outputs, relativeDistance)
    distances[arrangement] = Math.max(distances[arrangement] ?? 0, far)
  }
  const most = Math.max(LEAST, TIMES * (distances.alone ?? 0))
  for (const [arrangement, far] of Object.entries(distances)) {
    if (arrangement !== 'alone' && far > most)
      throw notVerified(
        `${arrangement}, outputs differ from the source's by ${percentage(far)}, alone by ${percentage(distances.alone ?? 0)}`,
      )
  }
  const after = ownDistances(changed, relativeDistance)
  return { distances, own: Math.max(0, ...compared.map((each) => after.get(each) ?? 0)) }
}

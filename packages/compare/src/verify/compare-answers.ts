import type { Model } from '@tp/onnx'
import {
  type Answer,
  type Distance,
  type Farthest,
  farthest,
  heldWithin,
  ownDistances,
  shareOfLargest,
} from './answers.ts'
import { largestDifference, notVerified } from './differences.ts'
import { roundingBeyond, roundingOf } from './rounding.ts'
import type { Arrangement } from './trials.ts'

/** How near the answers of a changed model are to those of its source, example by example. */
export interface Comparison {
  /** Largest difference of any number, relative where it exceeds 1. */
  readonly difference: number
  /** Where answers were compared. In the others the source does not answer as alone, so that there is nothing to compare with. */
  readonly arrangements: readonly Arrangement[]
  /** With padding on either side the source answers otherwise than alone: of padded batches nothing is shown. */
  readonly unpadded?: true
  /** For a source in 8 bits, where single numbers say little. */
  readonly quantized?: QuantizedDistances
}

interface QuantizedDistances {
  /** Largest distance of an output, as a share of its size where it is largest (2-norms). */
  readonly distance: number
  /** The same between the source's own answers alone and in batches; absent where the batch is fixed. */
  readonly own?: number
}

export interface CompareOptions {
  readonly source: Model
  /** Names the changed model in an error: `the packed model`. */
  readonly name: string
  /** Outputs that the changed model has. */
  readonly outputs?: readonly string[] | undefined
}

/** The changes that rounding in 8 bits may cause in a file, since a sum in another order is rounded differently at the next layer … */
const STEPS = 0.1
/** … or so many times what its own answers change with the batch, whose range they are rounded by. */
const TIMES = 3

/**
 * Compares the answers of a changed model with those of its source in the same trials. Changes of the source itself, alone and
 * in batches, do not count against it: rounding in 8 bits, whose ranges depend on the batch; and answers that depend on where
 * the tokens are (position 0 read as the class token, with padding on the left), which are not compared.
 * @throws TpError TP_VERIFY
 */
export function compareAnswers(
  changed: readonly Answer[],
  dense: readonly Answer[],
  { source, name, outputs }: CompareOptions,
): Comparison {
  const isCompared = (output: string): boolean => outputs?.includes(output) ?? true
  const isQuantized = roundsToBytes(source)
  const measure = isQuantized ? shareOfLargest(dense) : largestDifference
  const own = ownDistances(dense, measure)
  const noise = Math.max(0, ...alike.map((each) => own.get(each) ?? 0))
  const compared = heldWithin(own, isQuantized ? Math.max(STEPS, TIMES * noise) : roundingOf(source))
  const tolerance = isQuantized ? Math.max(STEPS, TIMES * noise) : roundingBeyond(source, noise)
  let [difference, distance] = [0, 0]
  for (const [i, expected] of dense.entries()) {
    if (!compared.includes(expected.arrangement)) continue
    const far = (by: Distance): Farthest => farthest(changed[i]?.outputs ?? {}, expected.outputs, by, isCompared)
    const seen = far(largestDifference)
    difference = Math.max(difference, seen.distance)
    const found = isQuantized ? far(measure) : seen
    if (isQuantized) distance = Math.max(distance, found.distance)
    if (found.distance <= tolerance) continue
    const by = isQuantized
      ? `${(100 * found.distance).toPrecision(2)} % of its size, more than rounding in 8 bits explains`
      : `${found.distance}, more than ${tolerance}`
    throw notVerified(
      `${name}: output "${found.name}" of example ${expected.example}, ${expected.arrangement}, differs from that of its source by ${by}`,
    )
  }
  const isBatched = dense.some(({ arrangement }) => arrangement !== 'alone')
  const isUnpadded = own.has('padded right') && !compared.some((each) => each.startsWith('padded'))
  const quantized = { distance, ...(isBatched && { own: noise }) }
  return {
    ...{ difference, arrangements: compared },
    ...(isUnpadded && { unpadded: true as const }),
    ...(isQuantized && { quantized }),
  }
}

/** Arrangements in which a file that takes padding answers as alone, but for the rounding of 8 bits. */
const alike: readonly Arrangement[] = ['in a batch', 'padded right']

/** True if activations are rounded to 8 bits. */
export function roundsToBytes({ proto }: Model): boolean {
  return proto.graph?.node.some(({ opType }) => /QuantizeLinear$|^QAttention$/.test(opType)) ?? false
}

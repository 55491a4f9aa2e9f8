import type { Model } from '@tp/onnx'
import { type Answer, type Distance, farthest, heldWithin, ownDistances, shareOfLargest } from './answers.ts'
import { largestDifference } from './differences.ts'
import { percentage } from './rounded.ts'
import { roundingBeyond, roundingOf } from './rounding.ts'
import type { Arrangement } from './trials.ts'

/** How near the answers of a changed model are to those of its source, example by example. */
export interface Comparison {
  /** The largest distance of an answer, as `measure` has it. */
  readonly distance: number
  /** Largest difference, relative where a number exceeds 1; for a source in 8 bits, where single numbers say little, a share of an output's size (2-norms). */
  readonly measure: Distance
  /** Where answers were compared. In the others the source does not answer as alone, so that there is nothing to compare with. */
  readonly arrangements: readonly Arrangement[]
  /** Answers that differ by more than rounding explains. They do not count as distances. */
  readonly beyond: readonly Beyond[]
}

/** An answer that is too far from that of the source. */
interface Beyond {
  readonly example: number
  readonly distance: number
  readonly problem: string
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
  const noiseIn = (some: readonly Arrangement[]): number => Math.max(0, ...some.map((each) => own.get(each) ?? 0))
  const noise = TIMES * noiseIn(alike)
  // Rounded by token, a text is rounded alike on either side of padding, so even a small difference comes from elsewhere.
  const compared = heldWithin(own, Math.max(roundingOf(source), isQuantized ? noise : 0))
  const tolerance = isQuantized ? Math.max(STEPS, noise) : roundingBeyond(source, noiseIn(compared))
  const beyond: Beyond[] = []
  let distance = 0
  for (const [i, expected] of dense.entries()) {
    if (!compared.includes(expected.arrangement)) continue
    const found = farthest(changed[i]?.outputs ?? {}, expected.outputs, measure, isCompared)
    if (found.distance <= tolerance) {
      distance = Math.max(distance, found.distance)
      continue
    }
    const by = isQuantized
      ? `${percentage(found.distance)} of its size, more than rounding in 8 bits explains`
      : `${found.distance}, more than ${tolerance}`
    const { example, arrangement } = expected
    const problem = `${name}: output "${found.name}" of example ${example}, ${arrangement}, differs from that of its source by ${by}`
    beyond.push({ example, distance: found.distance, problem })
  }
  return { distance, measure, arrangements: compared, beyond }
}

/** Arrangements in which a file that takes padding answers as alone, but for the rounding of 8 bits. */
const alike: readonly Arrangement[] = ['in a batch', 'padded right']

/** True if activations are rounded to 8 bits. */
export function roundsToBytes({ proto }: Model): boolean {
  return proto.graph?.node.some(({ opType }) => /QuantizeLinear$|^QAttention$/.test(opType)) ?? false
}

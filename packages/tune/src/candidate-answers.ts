import { type Candidate, pruningOf } from './candidate.ts'
import { lossesWith } from './cascades.ts'
import type { Looking } from './divergences.ts'
import type { Leavable } from './leavable.ts'
import type { Tolerance } from './loss.ts'
import { type Answers, type Losses, measuredDivergences, prunedAnswers } from './measure-answers.ts'
import type { Split } from './split.ts'
import type { InTurns } from './timed-in-turns.ts'

/** The data that a candidate is chosen with. */
export interface ChoiceOptions extends Looking, InTurns, Tolerance {
  readonly split: Split
  /** Whether uncertain answers may fall back to the dense model. */
  readonly cascade: boolean
  /** Layers that candidates may do without, if any. */
  readonly leavable: Leavable | undefined
  /** The dense model's answers to each part. */
  readonly dense: Readonly<Record<'choose' | 'verify', Answers>>
}

/** The answers on a part of the examples of the model pruned as a candidate says. */
export function answersOf(
  choice: ChoiceOptions,
  candidate: Pick<Candidate, 'variant' | 'shares'>,
  part: 'choose' | 'verify',
): Promise<Answers> {
  const { sites, split } = choice
  return prunedAnswers(choice, nameOf(candidate, part), pruningOf(candidate, sites), split[part])
}

/** The losses of a candidate on a part of the examples, by example. */
export async function lossesOn(
  choice: ChoiceOptions,
  candidate: Omit<Candidate, 'ms'>,
  part: 'choose' | 'verify',
): Promise<Losses> {
  const { dense, sites, split } = choice
  if (split[part].vectors !== undefined) {
    const pruning = pruningOf(candidate, sites)
    const far = await measuredDivergences(choice, nameOf(candidate, part), pruning, split[part], dense[part])
    return vectorLosses(far)
  }
  const answers = await answersOf(choice, candidate, part)
  return lossesWith(dense[part], answers, split[part].targets, candidate.fallback?.threshold)
}

/** @param far 1 − the cosine to the dense vector, by example: an unrelated vector has lost all there is to lose */
function vectorLosses(far: readonly number[]): Losses {
  const lost = far.map((distance) => 100 * Math.min(1, distance))
  return { labeled: lost, expected: lost, graded: true }
}

function nameOf({ variant, shares }: Pick<Candidate, 'variant' | 'shares'>, part: string): string {
  return `${variant.name} ${shares.join(' ')} ${part}`
}

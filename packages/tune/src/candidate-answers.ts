import { type Candidate, pruningOf } from './candidate.ts'
import { lossesWith } from './cascades.ts'
import type { Looking } from './divergences.ts'
import type { Leavable } from './leavable.ts'
import type { Tolerance } from './loss.ts'
import { type Answers, type Losses, prunedAnswers } from './measure-answers.ts'
import type { Split } from './split.ts'
import type { InTurns } from './timed-in-turns.ts'

/** What a candidate is chosen with. */
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
  const { variant, shares } = candidate
  const name = `${variant.name} ${shares.join(' ')} ${part}`
  return prunedAnswers(choice, name, pruningOf(candidate, sites), split[part])
}

/** What a candidate loses on a part of the examples, by example. */
export async function lossesOn(
  choice: ChoiceOptions,
  candidate: Omit<Candidate, 'ms'>,
  part: 'choose' | 'verify',
): Promise<Losses> {
  const { dense, split } = choice
  const answers = await answersOf(choice, candidate, part)
  return lossesWith(dense[part], answers, split[part].targets, candidate.fallback?.threshold)
}

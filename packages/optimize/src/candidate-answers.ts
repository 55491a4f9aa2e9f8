import type { ModelInputs } from '@tp/data/inputs'
import { mean } from '@tp/metrics'
import { type Candidate, pruningOf } from './candidate.ts'
import { lossesWith, spared } from './cascades.ts'
import type { Looking } from './divergences.ts'
import type { Leavable } from './leavable.ts'
import type { Tolerance } from './loss.ts'
import {
  type Answers,
  divergencesFrom,
  type Losses,
  measuredDivergences,
  prunedAnswers,
  uncertaintiesOf,
} from './measure-answers.ts'
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
  readonly dense: { readonly choose: Answers; readonly verify?: Answers | undefined }
}

/** Examples that candidates are chosen by, and those that a confident bound is verified on. */
type Part = 'choose' | 'verify'

/** The answers on a part of the examples of the model pruned as a candidate says. */
export function answersOf(
  choice: ChoiceOptions,
  candidate: Pick<Candidate, 'variant' | 'shares'>,
  part: Part,
): Promise<Answers> {
  const { sites } = choice
  return prunedAnswers(choice, nameOf(candidate, part), pruningOf(candidate, sites), partOf(choice, part).inputs)
}

/** The losses of a candidate on a part of the examples, by example. */
export async function lossesOn(choice: ChoiceOptions, candidate: Omit<Candidate, 'ms'>, part: Part): Promise<Losses> {
  const { inputs, dense } = partOf(choice, part)
  if (inputs.vectors !== undefined) return vectorLosses(await distancesOn(choice, candidate, part))
  const answers = await answersOf(choice, candidate, part)
  return lossesWith(dense, answers, inputs.targets, candidate.fallback?.threshold)
}

/** How far the answers of a candidate move on the examples for choosing, mean over them; those that fall back do not move. */
export async function divergenceOf(choice: ChoiceOptions, candidate: Omit<Candidate, 'ms'>): Promise<number> {
  const { inputs, dense } = partOf(choice, 'choose')
  if (inputs.vectors !== undefined) return mean(await distancesOn(choice, candidate, 'choose'))
  const answers = await answersOf(choice, candidate, 'choose')
  const divergences = divergencesFrom(dense, answers)
  const { fallback } = candidate
  if (fallback === undefined) return mean(divergences)
  return mean(spared(divergences, uncertaintiesOf(answers), fallback.threshold))
}

/** 1 − the cosine to the dense vector, by example. */
function distancesOn(
  choice: ChoiceOptions,
  candidate: Pick<Candidate, 'variant' | 'shares'>,
  part: Part,
): Promise<readonly number[]> {
  const { inputs, dense } = partOf(choice, part)
  return measuredDivergences(choice, nameOf(candidate, part), pruningOf(candidate, choice.sites), inputs, dense)
}

function partOf(
  { split, dense }: ChoiceOptions,
  part: Part,
): { readonly inputs: ModelInputs; readonly dense: Answers } {
  return { inputs: split[part] as ModelInputs, dense: dense[part] as Answers }
}

/** @param far 1 − the cosine to the dense vector, by example: an unrelated vector has lost all there is to lose */
function vectorLosses(far: readonly number[]): Losses {
  const lost = far.map((distance) => 100 * Math.min(1, distance))
  return { labeled: lost, expected: lost, graded: true }
}

function nameOf({ variant, shares }: Pick<Candidate, 'variant' | 'shares'>, part: string): string {
  return `${variant.name} ${shares.join(' ')} ${part}`
}

import { mean } from '@tp/metrics'
import { type Candidate, isWhole } from './candidate.ts'
import { type ChoiceOptions, lossesOn } from './candidate-answers.ts'

/**
 * Candidates, the fastest first, but none without pruning that is slower than the fastest and loses no less on the examples for
 * choosing: verified before that one, it could only fail before it.
 */
export async function worthVerifying(choice: ChoiceOptions, candidates: readonly Candidate[]): Promise<Candidate[]> {
  const [fastest, ...others] = candidates
  if (fastest === undefined) return []
  const most = await lossOnChoosing(choice, fastest)
  const kept = [fastest]
  for (const candidate of others) {
    if (!isWhole(candidate) || (await lossOnChoosing(choice, candidate)) < most) kept.push(candidate)
  }
  return kept
}

/** Points, by labels or by the dense model's probabilities, whichever are more. */
async function lossOnChoosing(choice: ChoiceOptions, candidate: Candidate): Promise<number> {
  const { labeled, expected } = await lossesOn(choice, candidate, 'choose')
  return Math.max(mean(labeled ?? expected), mean(expected))
}

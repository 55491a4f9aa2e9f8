import { oneEstimate } from '@tp/compare'
import type { ModelInputs } from '@tp/data/inputs'
import type { Answers } from './answers.ts'
import { isTagged, predictionsOf } from './measure-answers.ts'
import { bySentence } from './tag-losses.ts'

/** Some examples, and the dense model's answers to them. */
export interface AnsweredExamples {
  readonly inputs: ModelInputs
  readonly dense: Answers
}

/**
 * Whether all examples have one answer, so that they cannot tell the model from one that always gives it: one class, the same labels, one tag for all
 * tokens, or one estimate. Never of vectors and of candidates that are ranked.
 */
export function haveOneAnswer(parts: readonly AnsweredExamples[]): boolean {
  if (parts.some(({ inputs }) => inputs.vectors !== undefined || inputs.ranking !== undefined)) return false
  if (parts.some(({ inputs }) => inputs.estimates !== undefined))
    return oneEstimate(parts.flatMap(({ dense }) => [...dense.logits])) !== undefined
  return new Set(parts.flatMap(answersTo)).size === 1
}

function answersTo({ inputs, dense }: AnsweredExamples): readonly unknown[] {
  if (!isTagged(inputs)) return predictionsOf(dense)
  return inputs.unit === 'labels' ? bySentence(dense, inputs).map(String) : [...dense.logits]
}

import { type Figure, figureInterval, scaledInterval } from '@tp/metrics'
import type { Evaluation } from './outcome.ts'

/** Figures that follow from which answers are right. */
export function classification(
  correct: readonly boolean[],
): Pick<Evaluation, 'task' | 'accuracy' | 'correct' | 'figures'> {
  const accuracy: Figure = { got: correct.map(Number), share: true }
  return {
    task: 'classification',
    accuracy: scaledInterval(figureInterval(accuracy), 100),
    correct,
    figures: { accuracy },
  }
}

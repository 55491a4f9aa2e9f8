import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { isLabeled, type ModelInputs } from '@tp/data/inputs'
import { type Figure, figureInterval, scaledInterval } from '@tp/metrics'
import { classify } from './classify.ts'
import type { Evaluation } from './outcome.ts'
import type { EvaluateOptions } from './run-examples.ts'

/**
 * Runs a model on all examples and counts right answers.
 * @throws TpError TP_DATA for a class that the model does not have, and for examples without labels, which {@link classify} takes;
 * TP_OUTPUT, TP_TOKENIZER, TP_ABORTED
 */
export async function evaluate(
  session: Session,
  inputs: ModelInputs,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { source, targets } = inputs
  if (!isLabeled(inputs)) {
    const advice =
      'classify() gives its answers, and compareVariants() and check() compare them with those of the dense model'
    throw new TpError('TP_DATA', 'compare', `${source}: has no labels, so no answer is right or wrong; ${advice}`)
  }
  const answered = await classify(session, inputs, options)
  const correct = answered.predictions.map((prediction, i) => prediction === targets[i])
  const accuracy: Figure = { got: correct.map(Number), share: true }
  const percent = scaledInterval(figureInterval(accuracy), 100)
  return { ...answered, accuracy: percent, correct, figures: { accuracy } }
}

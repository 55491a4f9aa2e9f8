import { classify, tagTokens } from '@tp/compare'
import { answerForms } from '@tp/core/runtime'
import type { TaskData } from '@tp/data'
import { type ModelInputs, someExamples } from '@tp/data/inputs'
import { answerHead } from '@tp/data/outputs'
import { type Answering, isTagged } from './measure-answers.ts'

/** Examples whose answers decide. */
const DECIDING = 256

/**
 * Examples with the form of the answers to them, decided once for all parts and candidates: where the graph does not say it, by the dense model's
 * answers to the first of them. A cascade reads answers in that form, too.
 */
export async function inDecidedForm(
  { measurer, model, runtime }: Answering,
  task: TaskData['task'],
  inputs: ModelInputs,
): Promise<ModelInputs> {
  if ((task !== 'classification' && task !== 'multi-label') || inputs.answerForm !== undefined) return inputs
  const said = answerHead(model)?.form
  if (said !== undefined) return { ...inputs, answerForm: said }
  const few = someExamples(inputs, [...inputs.targets.keys()].slice(0, DECIDING))
  const [decided = 0] = await measurer.measure('form of answers', async () => {
    await using session = await measurer.loadDense(runtime, model)
    const how = { batchSize: 16, signal: measurer.signal }
    const { answerForm = 'logits' } = await (isTagged(few) ? tagTokens(session, few, how) : classify(session, few, how))
    return [answerForms.indexOf(answerForm)]
  })
  return { ...inputs, answerForm: answerForms[decided] }
}

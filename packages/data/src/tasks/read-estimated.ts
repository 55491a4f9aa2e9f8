import { TpError } from '@tp/core'
import type { ModelSignature } from '@tp/core/runtime'
import { openDataset } from '../datasets/open-dataset.ts'
import { readScoredTexts } from '../datasets/scored-texts.ts'
import { type ModelInputs, modalityOf } from '../inputs/model-inputs.ts'
import { type PrepareOptions, prepareInputs } from '../inputs/prepare.ts'
import { noted } from './noted.ts'
import { type ExamplesOptions, wholeBatches } from './open-examples.ts'

/**
 * Examples for a model that estimates a number, with what people say it is if the data have it.
 * @throws TpError TP_TASK for a model that estimates several numbers; as `readScoredTexts` and `prepareInputs`
 */
export async function readEstimated(
  model: ModelSignature,
  data: string,
  options: ExamplesOptions,
  prepare: PrepareOptions,
): Promise<ModelInputs> {
  const several = model.outputs.find(({ dims }) => dims.length === 2 && typeof dims[1] === 'number' && dims[1] > 1)
  if (several !== undefined) {
    const seen = `config.json names the problem regression, and the output ${several.name} [${several.dims}] holds several numbers`
    const advice = 'compare them by a program of your own, or correct problem_type where they are classes or labels'
    throw new TpError('TP_TASK', 'data', `${seen}; only one number is judged; ${advice}`)
  }
  const modality = modalityOf(model.inputs)
  const { texts, scores } =
    modality === 'text'
      ? await readScoredTexts(data, options)
      : { texts: await openDataset(data, { ...options, unlabeled: true, modality }), scores: undefined }
  const examples = wholeBatches<unknown>(texts.examples, options)
  const inputs = await prepareInputs({ ...texts, examples } as typeof texts, model.inputs, prepare)
  const estimated = { ...inputs, estimates: { scores: scores?.slice(0, examples.length) } }
  return scores === undefined ? noted(estimated) : estimated
}

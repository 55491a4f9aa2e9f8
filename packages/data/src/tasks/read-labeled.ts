import { TpError } from '@tp/core'
import type { ModelSignature } from '@tp/core/runtime'
import { UNLABELED } from '../datasets/dataset.ts'
import { type LabelSets, readLabelSets } from '../datasets/label-sets.ts'
import { openDataset } from '../datasets/open-dataset.ts'
import { modalityOf } from '../inputs/model-inputs.ts'
import { type PrepareOptions, prepareInputs } from '../inputs/prepare.ts'
import type { TaggedInputs } from '../inputs/tagged-inputs.ts'
import { noted } from './noted.ts'
import { type ExamplesOptions, wholeBatches } from './open-examples.ts'

/**
 * Examples for a model of several labels, each of which holds or not, with the labels of texts if there are any.
 * @throws TpError TP_DATA where the number of labels is not known; as `readLabelSets` and `prepareInputs`
 */
export async function readLabeled(
  model: ModelSignature,
  data: string,
  options: ExamplesOptions & { readonly source: string },
  prepare: PrepareOptions,
): Promise<TaggedInputs> {
  const count = labelCount(model, options)
  const isText = modalityOf(model.inputs) === 'text'
  const { texts, sets } = isText ? await readLabelSets(data, count, options) : await withoutLabels(data, options, model)
  const examples = wholeBatches<unknown>(texts.examples, options)
  const inputs = await prepareInputs({ ...texts, examples } as typeof texts, model.inputs, prepare)
  const tags = inputs.targets.map((_, i) => {
    if (sets === undefined) return new Int32Array(count).fill(UNLABELED)
    const holding = sets[i] as readonly number[]
    return Int32Array.from({ length: count }, (_, label) => Number(holding.includes(label)))
  })
  const labeled = { ...inputs, tags, unit: 'labels' } as const
  return sets === undefined ? noted(labeled) : labeled
}

/** Images and sounds have at most one label in their path. */
async function withoutLabels(data: string, options: ExamplesOptions, { inputs }: ModelSignature): Promise<LabelSets> {
  const texts = await openDataset(data, { ...options, unlabeled: true, modality: modalityOf(inputs) })
  return { texts: texts as LabelSets['texts'], sets: undefined }
}

function labelCount(
  { outputs }: ModelSignature,
  { labels, source }: ExamplesOptions & { readonly source: string },
): number {
  const widths = outputs.flatMap(({ name, dims }) => (name.startsWith('tp.') || dims.length !== 2 ? [] : [dims[1]]))
  const [width = labels?.length] = widths.length === 1 && typeof widths[0] === 'number' ? widths : []
  if (typeof width === 'number') return width
  const seen =
    'several labels of this model may hold at once, and neither its output nor config.json says how many there are'
  throw new TpError('TP_DATA', 'data', `${source}: ${seen}; give their names (labels)`)
}

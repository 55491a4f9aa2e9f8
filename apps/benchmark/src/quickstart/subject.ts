import { readFile } from 'node:fs/promises'
import { inspect } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { NamedTensors, Runtime } from '@tp/core/runtime'
import { type PrepareOptions, prepareInputs } from '@tp/data'
import { type Dataset, imageDataset, type ModelInputs, textDataset } from '@tp/data/inputs'
import { clauseData, digitsData, type EmbeddedModelName, embeddedModel, mailData, modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'

/** Settings are chosen on calibration data and reported on test data. */
type DataSplit = 'calibration' | 'test'

/** An embedded model with its data. */
export type SubjectName = Extract<EmbeddedModelName, 'clauses' | 'mail' | 'digits-vit'>

const dataOf: Readonly<Record<SubjectName, (split: DataSplit) => Dataset>> = {
  clauses: (split) => textDataset('clauses', clauseData(split)),
  mail: (split) => textDataset('mails', mailData(split)),
  'digits-vit': (split) => imageDataset('digits', { channels: 1, height: 28, width: 28 }, digitsData(split)),
}

/** A model with data in the form that it takes: every comparison is made on it. */
export interface MeasuredSubject {
  readonly model: Model
  readonly layers: number
  readonly inputs: ModelInputs
  /** Tokens that enter the model, by example. */
  readonly lengths: readonly number[]
  /** The same examples, cut by the tokenizer. */
  truncated(maxTokens: number): Promise<ModelInputs>
}

/** Opens a subject with the first `limit` examples of a split. */
export async function openSubject(
  runtime: Runtime,
  name: SubjectName,
  split: DataSplit,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<MeasuredSubject> {
  const all = dataOf[name](split)
  const dataset = { ...all, examples: all.examples.slice(0, limit) } as Dataset
  const file = await readFile(modelPath(name))
  const model = decodeModel(file)
  const seen = inspect(model)
  if (!seen.ok) throw new TpError(seen.refusal.code, 'benchmark', `${name}: ${seen.refusal.message}`)
  await using session = await runtime.load(file, { threads: 1 })
  const prepare = preparationOf(name)
  const inputs = await prepareInputs(dataset, session.inputs, prepare)
  return {
    model,
    layers: seen.layers.length,
    inputs: dataset.modality === 'text' ? inputs : readOnce(inputs),
    lengths: inputs.lengths ?? inputs.targets.map(() => seen.tokens as number),
    truncated: (maxTokens) => prepareInputs(dataset, session.inputs, { ...prepare, maxTokens }),
  }
}

function preparationOf(name: SubjectName): PrepareOptions {
  const { normalization, maxTokens } = embeddedModel(name)
  if (normalization) return { normalization: { mean: [normalization.mean], std: [normalization.std] } }
  return { tokenizer: modelPath(name, 'tokenizer'), maxTokens }
}

/** All models take the same batches, and to read an image takes longer than to run one. */
function readOnce(inputs: ModelInputs): ModelInputs {
  const known = new Map<string, Promise<NamedTensors>>()
  return {
    ...inputs,
    feeds(rows) {
      const key = rows.join()
      const feeds = known.get(key) ?? inputs.feeds(rows)
      known.set(key, feeds)
      return feeds
    },
  }
}

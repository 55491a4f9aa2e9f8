import { readFile } from 'node:fs/promises'
import { inspect } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { prepareInputs } from '@tp/data'
import type { Dataset, ModelInputs } from '@tp/data/inputs'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import type { Files } from '../files.ts'
import type { DataSplit } from '../registry/data.ts'
import type { Metric } from '../registry/metrics.ts'
import { dataOf, type SubjectForm } from '../registry/subjects.ts'

/** A model as a file and decoded. */
interface ModelFile {
  readonly file: Uint8Array
  readonly model: Model
}

/** A model with data in the form that it takes: what every comparison is made on. */
export interface MeasuredSubject extends ModelFile {
  readonly name: string
  readonly layers: number
  readonly metric: Metric
  readonly inputs: ModelInputs
  /** Tokens that enter the model, by example. */
  readonly lengths: readonly number[]
  /** The same examples, cut by the tokenizer. */
  truncated(maxTokens: number): Promise<ModelInputs>
  /** The same model with 8-bit products. @throws TpError TP_FILE_NOT_FOUND */
  int8(): Promise<ModelFile>
}

/** Opens a subject with the first `limit` examples of a split. */
export async function openSubject(
  files: Files,
  form: SubjectForm,
  split: DataSplit,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<MeasuredSubject> {
  return openOn(files, form, await dataOf(form, files, split, limit))
}

/** The same with other data. @throws TpError TP_LAYERS if the model does not have the layers that the form says */
export async function openOn(files: Files, form: SubjectForm, dataset: Dataset): Promise<MeasuredSubject> {
  const { name, layers, metric, part } = form
  const { model: path, int8 } = form.files(files)
  const whole = await openModel(path)
  const opened = part === undefined ? whole : fileOf(part(whole.model))
  const seen = inspect(opened.model)
  if (!seen.ok) throw new TpError(seen.refusal.code, 'benchmark', `${path}: ${seen.refusal.message}`)
  const found = seen.layers.length
  if (found !== layers) {
    throw new TpError('TP_LAYERS', 'benchmark', `${name} has ${found} layers, but the registry says ${layers}`)
  }
  const prepare = await form.prepare(files)
  await using session = await files.runtime.load(opened.file, { threads: 1 })
  const inputs = await prepareInputs(dataset, session.inputs, prepare)
  let eightBit: Promise<ModelFile> | undefined
  return {
    ...opened,
    name,
    layers,
    metric,
    inputs: dataset.modality === 'text' ? inputs : readOnce(inputs),
    lengths: inputs.lengths ?? inputs.targets.map(() => seen.tokens as number),
    truncated: (maxTokens) => prepareInputs(dataset, session.inputs, { ...prepare, maxTokens }),
    async int8() {
      if (int8 === undefined)
        throw new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${name} has no file with 8-bit products`)
      eightBit ??= openModel(int8)
      return eightBit
    },
  }
}

function fileOf(model: Model): ModelFile {
  return { file: encodeModel(model), model }
}

async function openModel(path: string): Promise<ModelFile> {
  const file = await readFile(path)
  return { file, model: decodeModel(file) }
}

/** All models take the same batches, and to read an image or a sound takes longer than to run one. */
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

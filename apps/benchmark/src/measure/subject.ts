import { readFile } from 'node:fs/promises'
import { type Inspection, inspect } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { loadTokenizer, type PrepareOptions, prepareInputs } from '@tp/eval'
import { type Dataset, type ModelInputs, type TextTokenizer, textInputs } from '@tp/eval/inputs'
import { decodeModel, type Model } from '@tp/onnx'

/** A model with data in the form that it takes: what every comparison is made on. */
export interface Subject {
  readonly name: string
  readonly file: Uint8Array
  readonly model: Model
  readonly layerCount: number
  readonly inputs: ModelInputs
  /** Tokens that enter the model, by example. */
  readonly lengths: readonly number[]
  /** The same examples, cut by the tokeniser. */
  truncated(maxTokens: number): Promise<ModelInputs>
}

export interface SubjectOptions {
  readonly name: string
  /** The ONNX file. */
  readonly path: string
  readonly dataset: Dataset
  readonly prepare: PrepareOptions
}

/** Reads a model and prepares its data. */
export async function openSubject(runtime: Runtime, options: SubjectOptions): Promise<Subject> {
  const { name, path, dataset, prepare } = options
  const file = await readFile(path)
  const model = decodeModel(file)
  const { layers, tokens } = inspected(model, path)
  await using session = await runtime.load(file, { threads: 1 })
  const tokenizer = prepare.tokenizer && remembering(await loadTokenizer(prepare.tokenizer))
  const prepared = (cut: PrepareOptions): Promise<ModelInputs> =>
    dataset.modality === 'text' && tokenizer
      ? textInputs(dataset, session.inputs, tokenizer, cut)
      : prepareInputs(dataset, session.inputs, cut)
  const inputs = await prepared(prepare)
  return {
    name,
    file,
    model,
    layerCount: layers.length,
    inputs,
    lengths: inputs.lengths ?? inputs.targets.map(() => tokens as number),
    truncated: (maxTokens) => prepared({ ...prepare, maxTokens }),
  }
}

function inspected(model: Model, path: string): Inspection {
  const inspection = inspect(model)
  if (inspection.ok) return inspection
  throw new TpError(inspection.refusal.code, 'benchmark', `${path}: ${inspection.refusal.message}`)
}

/** Splits each text once, though it is cut to several lengths. For vocabularies with one closing token, as BERT's. */
function remembering(tokenizer: TextTokenizer): TextTokenizer {
  const known = new Map<string, readonly number[]>()
  return {
    ...tokenizer,
    encode(text, maxTokens) {
      const ids = known.get(text) ?? tokenizer.encode(text, maxTokens)
      known.set(text, ids)
      return ids.length <= maxTokens ? [...ids] : [...ids.slice(0, maxTokens - 1), ids.at(-1) as number]
    },
  }
}

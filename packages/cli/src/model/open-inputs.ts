import { inputRoles } from '@tp/compare'
import type { ValueInfo } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { openDataset, type PrepareOptions, prepareInputs, readModelFolder } from '@tp/data'
import { type Dataset, type ModelInputs, modalityOf } from '@tp/data/inputs'
import { type Task, taskOf } from '@tp/data/outputs'
import { nodeRuntime } from '@tp/runtime-node'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { wholeNumber } from '../command/values.ts'

/** Which examples, and how the model reads them. */
export const dataOptions = {
  data: {
    type: 'string',
    value: 'PATH',
    reads: 'data',
    description:
      'table of labels and texts, or pairs of texts (.tsv, .csv, .jsonl), IDX files, a folder of images or WAV files by label, or of queries and documents',
  },
  'text-column': {
    type: 'string',
    value: 'NAME|N',
    description: 'column of the table that holds the texts, by name or number from 1; default: found by its header',
  },
  'pair-column': { type: 'string', value: 'NAME|N', description: 'the same for the second texts of pairs' },
  'label-column': { type: 'string', value: 'NAME|N', description: 'the same for the labels' },
  tokenizer: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description: 'tokenizer.json of the model; default: the one next to it',
  },
  labels: {
    type: 'string',
    value: 'NAME,NAME…',
    description: "the model's class names in order; default: those of config.json next to it",
  },
  candidates: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description: 'of a folder of queries and documents: the run of a first stage, whose documents are ranked',
  },
  split: {
    type: 'string',
    value: 'NAME',
    description: 'of such a folder: the judgments qrels/NAME.tsv; default test',
  },
  top: {
    type: 'string',
    value: 'K',
    description: 'of such a folder: at most K candidates a query; default 100',
    is: 'whole number',
  },
  limit: {
    type: 'string',
    value: 'N',
    description: 'only the first N examples; of such a folder queries',
    is: 'whole number',
  },
} as const

/** Examples as they are, and what prepares them for the model. */
export interface OpenData {
  readonly dataset: Dataset
  /** What the model takes. */
  readonly inputs: readonly ValueInfo[]
  /** It gives one number, which examples can be ranked by. */
  readonly ranks: boolean
  /** What its outputs look like. */
  readonly task: Task
  readonly prepare: PrepareOptions
}

/** The examples of a file or folder, as many as fill batches. @throws TpError of @tp/data; TP_USAGE */
export async function openData(
  path: string,
  data: string,
  batchSize: number,
  { tokenizer, labels, limit, ...given }: Arguments<typeof dataOptions>,
  { progress, signal, runtime = nodeRuntime() }: Context,
): Promise<OpenData> {
  progress.stage(`reading ${data}`)
  const known = await readModelFolder(path)
  await using session = await runtime.load(path, { signal })
  const { inputs, outputs } = session
  const task = taskOf(outputs, known.labels)
  const ranks = taskOf(outputs) === 'ranking'
  const dataset = await openDataset(data, {
    ranks,
    labels: labels?.split(',') ?? known.labels,
    modality: modalityOf(inputs),
    limit: limit === undefined ? undefined : wholeNumber('limit', limit),
    textColumn: given['text-column'],
    pairColumn: given['pair-column'],
    labelColumn: given['label-column'],
    candidates: given.candidates,
    split: given.split,
    top: given.top === undefined ? undefined : wholeNumber('top', given.top),
  })
  const whole = { ...dataset, examples: wholeBatches<unknown>(dataset.examples, batchSize, progress) } as Dataset
  return { dataset: whole, inputs, ranks, task, prepare: { ...known, tokenizer: tokenizer ?? known.tokenizer, signal } }
}

/** The same, as the model takes them. */
export async function openInputs(...from: Parameters<typeof openData>): Promise<ModelInputs> {
  const { dataset, inputs, prepare } = await openData(...from)
  return await prepareInputs(dataset, inputs, prepare)
}

/** Examples without the last ones that fill no batch. */
export function wholeBatches<T>(
  examples: readonly T[],
  batchSize: number,
  progress: Context['progress'],
): readonly T[] {
  const left = examples.length % batchSize
  if (left === 0) return examples
  progress.note(`the model takes batches of ${batchSize} only: the last ${left} examples are omitted`)
  return examples.slice(0, examples.length - left)
}

/** Batch size: the model's fixed one, or 1. */
export function batchSizeOf({ model }: ModelFile): number {
  const { batch } = inputRoles(model)
  return typeof batch === 'number' ? batch : 1
}

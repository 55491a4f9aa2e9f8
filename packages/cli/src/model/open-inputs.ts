import { inputRoles } from '@tp/compare'
import type { ValueInfo } from '@tp/core/runtime'
import { type ExamplesOptions, type ModelFile, type OpenExamples, openExamples, prepareInputs } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
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
    through: 'read',
    value: 'NAME|N',
    description: 'column of the table that holds the texts, by name or number from 1; default: found by its header',
  },
  'pair-column': {
    type: 'string',
    through: 'read',
    value: 'NAME|N',
    description: 'the same for the second texts of pairs',
  },
  'label-column': { type: 'string', through: 'read', value: 'NAME|N', description: 'the same for the labels' },
  tokenizer: {
    type: 'string',
    through: 'read',
    value: 'FILE',
    reads: 'file',
    description: 'tokenizer.json of the model; default: the one next to it',
  },
  labels: {
    type: 'string',
    through: 'read',
    value: 'NAME,NAME…',
    description: "the model's class names in order; default: those of config.json next to it",
  },
  candidates: {
    type: 'string',
    through: 'read',
    value: 'FILE',
    reads: 'file',
    description: 'of a folder of queries and documents: the run of a first stage, whose documents are ranked',
  },
  split: {
    type: 'string',
    through: 'read',
    value: 'NAME',
    description: 'of such a folder: the judgments qrels/NAME.tsv; default test',
  },
  top: {
    type: 'string',
    through: 'read',
    value: 'K',
    description: 'of such a folder: at most K candidates a query; default 100',
    is: 'whole number',
  },
  read: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    description: 'how data are read, where that is not found out',
  },
  limit: {
    type: 'string',
    value: 'N',
    description: 'only the first N examples; of such a folder queries',
    is: 'whole number',
  },
} as const

/** The options of the command line as those of `@tp/data`. @throws TpError TP_USAGE */
export function examplesOptions(
  { labels, limit, top, tokenizer, candidates, split, ...given }: Arguments<typeof dataOptions>,
  batchSize: number,
  { progress, signal }: Context,
): ExamplesOptions {
  return {
    ...{ tokenizer, candidates, split, batchSize, signal },
    labels: labels?.split(','),
    limit: limit === undefined ? undefined : wholeNumber('limit', limit),
    top: top === undefined ? undefined : wholeNumber('top', top),
    textColumn: given['text-column'],
    pairColumn: given['pair-column'],
    labelColumn: given['label-column'],
    onOmitted: (left) =>
      progress.note(`the model takes batches of ${batchSize} only: the last ${left} examples are omitted`),
  }
}

/** The examples of a file or folder, as many as fill batches. @throws TpError of @tp/data; TP_USAGE */
export async function openData(
  path: string,
  data: string,
  batchSize: number,
  given: Arguments<typeof dataOptions>,
  context: Context,
): Promise<OpenExamples & { readonly inputs: readonly ValueInfo[] }> {
  const { progress, signal, runtime = nodeRuntime() } = context
  progress.stage(`reading ${data}`)
  await using session = await runtime.load(path, { signal })
  return {
    ...(await openExamples(path, session, data, examplesOptions(given, batchSize, context))),
    inputs: session.inputs,
  }
}

/** The same, as the model takes them. */
export async function openInputs(...from: Parameters<typeof openData>): Promise<ModelInputs> {
  const { dataset, inputs, prepare } = await openData(...from)
  return await prepareInputs(dataset, inputs, prepare)
}

/** Batch size: the model's fixed one, or 1. */
export function batchSizeOf({ model }: ModelFile): number {
  const { batch } = inputRoles(model)
  return typeof batch === 'number' ? batch : 1
}

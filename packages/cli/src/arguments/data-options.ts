import type { Task } from '@tp/data/outputs'
import { didYouMean } from './did-you-mean.ts'
import { usageError } from './usage-error.ts'

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
    description: 'column with the texts, by name or by number from 1; default: found by its header',
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
    description: 'for a folder of queries and documents: a first-stage run, whose documents are ranked',
  },
  split: {
    type: 'string',
    through: 'read',
    value: 'NAME',
    description: 'for such a folder: the judgments qrels/NAME.tsv; default test',
  },
  top: {
    type: 'string',
    through: 'read',
    value: 'K',
    description: 'for such a folder: at most K candidates a query; default 100',
    is: 'whole number',
  },
  read: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    description: 'how to read the data, where that cannot be detected',
  },
  limit: {
    type: 'string',
    value: 'N',
    description: 'only the first N examples, or queries of such a folder',
    is: 'whole number',
  },
} as const

export const taskOption = {
  task: {
    type: 'string',
    value: 'classification|tokens|embeddings|ranking|asr',
    description: 'the task of the model; default: judged by its outputs',
  },
  decoder: {
    type: 'string',
    value: 'FILE',
    reads: 'model',
    description:
      'for a speech encoder (--task asr): the decoder that transcribes its states, decoder_model_merged.onnx or decoder_model.onnx',
  },
} as const

const tasks: readonly string[] = ['classification', 'tokens', 'embeddings', 'ranking', 'asr'] satisfies Task[]

/** @throws TpError TP_USAGE */
export function readTask(text: string | undefined): Task | undefined {
  if (text === undefined || isTask(text)) return text
  throw usageError(`--task is "${text}"; it must be ${tasks.join(', ')}${didYouMean(text, tasks)}`)
}

function isTask(text: string): text is Task {
  return tasks.includes(text)
}

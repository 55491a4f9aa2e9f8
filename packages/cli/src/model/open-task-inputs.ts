import type { SpeechData, TaskData } from '@tp/compare'
import type { ValueInfo } from '@tp/core/runtime'
import {
  isRetrievalFolder,
  loadTokenizer,
  openSpeechDecoder,
  prepareInputs,
  readModelFolder,
  readScoredPairs,
  readSearchData,
  readSpeech,
  readTaggedTsv,
  readTexts,
  requirePooling,
  type ScoredPairs,
  type SearchData,
  type SpeechInputs,
  speechInputs,
  taggedInputs,
} from '@tp/data'
import { type Dataset, modalityOf, type TextDataset } from '@tp/data/inputs'
import { embeddingOutput, type Task, taskOf } from '@tp/data/outputs'
import { nodeRuntime } from '@tp/runtime-node'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { didYouMean } from '../command/did-you-mean.ts'
import { usageError } from '../command/usage-error.ts'
import { wholeNumber } from '../command/values.ts'
import { dataOptions, openInputs, wholeBatches } from './open-inputs.ts'

export const taskOption = {
  task: {
    type: 'string',
    value: 'classification|tokens|embeddings|ranking|asr',
    description: 'what the model is for; default: what its outputs look like',
  },
  decoder: {
    type: 'string',
    value: 'FILE',
    reads: 'model',
    description:
      'of an encoder of speech (--task asr): what writes down its states, decoder_model_merged.onnx or decoder_model.onnx',
  },
} as const

/** What is written down, and the file of the decoder. */
export interface SpeechTask {
  readonly task: 'asr'
  readonly inputs: SpeechInputs
  readonly decoder: string
}

/** Data as a model of one task takes them. */
export type TaskInputs = Exclude<TaskData, SpeechData> | SpeechTask

/** Opens the decoder that follows an encoder of speech while `use` compares models. */
export async function withTaskData<T>(
  data: TaskInputs,
  { signal, runtime = nodeRuntime() }: Pick<Context, 'signal' | 'runtime'>,
  use: (data: TaskData) => Promise<T>,
): Promise<T> {
  if (data.task !== 'asr') return await use(data)
  await using session = await runtime.load(data.decoder, { threads: 1, signal })
  return await use({ ...data, decoder: await openSpeechDecoder(session, data.decoder) })
}

const tasks: readonly string[] = ['classification', 'tokens', 'embeddings', 'ranking', 'asr'] satisfies Task[]

/** @throws TpError TP_USAGE */
export function readTask(text: string | undefined): Task | undefined {
  if (text === undefined || isTask(text)) return text
  throw usageError(`--task is "${text}"; it must be ${tasks.join(', ')}${didYouMean(text, tasks)}`)
}

function isTask(text: string): text is Task {
  return tasks.includes(text)
}

/**
 * The examples of a file or folder for the given task, or for the one detected by the model's outputs.
 * @throws TpError of @tp/data; TP_USAGE
 */
export async function openTaskInputs(
  path: string,
  data: string,
  batchSize: number,
  given: Arguments<typeof dataOptions & typeof taskOption>,
  context: Context,
): Promise<TaskInputs> {
  const { progress, signal, runtime = nodeRuntime() } = context
  const known = await readModelFolder(path)
  const labels = given.labels?.split(',') ?? known.labels
  await using session = await runtime.load(path, { signal })
  const { inputs: taken, outputs } = session
  const asked = readTask(given.task)
  const task = asked ?? (given.decoder === undefined ? taskOf(outputs, labels) : 'asr')
  if (task === 'asr') return await openSpeech(path, data, taken, given, context)
  if (given.decoder !== undefined) throw usageError('--decoder is for --task asr')
  const isText = modalityOf(taken) === 'text'
  // Images and sounds have their labels in file names, which need not be parsed.
  if (task === 'classification' || task === 'ranking' || (task === 'embeddings' && !isText)) {
    const inputs = await openInputs(path, data, batchSize, given, context)
    // One logit on texts with classes says which of two classes they are of, as a sigmoid reads it.
    const ofClasses = asked === undefined && task === 'ranking' && inputs.ranking === undefined
    return { task: ofClasses ? 'classification' : task, inputs }
  }
  if (!isText) throw usageError('--task tokens is for models of texts')
  const unread = ['label-column', 'pair-column', 'candidates', 'top'] as const
  const idle = [...unread, ...(task === 'tokens' ? (['text-column', 'split'] as const) : [])].find(
    (name) => given[name] !== undefined,
  )
  if (idle !== undefined) throw usageError(`--${idle} does not go with --task ${task}, which does not read it`)
  progress.stage(`reading ${data}`)
  const limit = given.limit === undefined ? undefined : wholeNumber('limit', given.limit)
  const options = { ...known, tokenizer: given.tokenizer ?? known.tokenizer, signal }
  if (task === 'embeddings') {
    const output = embeddingOutput(Object.fromEntries(outputs.map((each) => [each.name, each])))
    requirePooling(known.pooling, path, output)
    const judged = await readJudged(data, limit, given)
    if (judged !== undefined) {
      const inputs = await prepareInputs(filledUp(judged.texts, batchSize), taken, options)
      return { task, inputs, judged }
    }
    const texts = await readTexts(data, { limit, textColumn: given['text-column'] })
    const examples = wholeBatches(texts.examples, batchSize, progress)
    return { task, inputs: await prepareInputs({ ...texts, examples } as Dataset, taken, options) }
  }
  if (options.tokenizer === undefined) throw usageError('--tokenizer FILE is missing: none is next to the model')
  const tagged = await readTaggedTsv(data, { labels, limit })
  const sentences = wholeBatches(tagged.sentences, batchSize, progress)
  const tokenizer = await loadTokenizer(options.tokenizer)
  return { task, labels, inputs: await taggedInputs({ ...tagged, sentences }, taken, tokenizer, options) }
}

/** Recordings, of which an encoder makes states for the decoder. */
async function openSpeech(
  path: string,
  data: string,
  taken: readonly ValueInfo[],
  { decoder, limit, ...given }: Arguments<typeof dataOptions & typeof taskOption>,
  { progress }: Context,
): Promise<SpeechTask> {
  if (decoder === undefined)
    throw usageError('--task asr requires --decoder FILE, which writes down what the model hears')
  const { data: _, task: __, ...unread } = given
  const [idle] = Object.keys(dataOptions).filter((name) => Object.hasOwn(unread, name))
  if (idle !== undefined) throw usageError(`--${idle} does not go with --task asr, which does not read it`)
  progress.stage(`reading ${data}`)
  const speech = await readSpeech(data, { limit: limit === undefined ? undefined : wholeNumber('limit', limit) })
  return { task: 'asr', inputs: await speechInputs(speech, path, taken), decoder }
}

/** Judgments of people, if the data have any: a folder in BEIR's layout, or pairs with scores. */
async function readJudged(
  data: string,
  limit: number | undefined,
  { split, 'text-column': textColumn }: Arguments<typeof dataOptions & typeof taskOption>,
): Promise<SearchData | ScoredPairs | undefined> {
  if (await isRetrievalFolder(data)) {
    if (textColumn !== undefined) throw usageError(`--text-column is for tables; ${data} has queries and documents`)
    return await readSearchData(data, { split, limit })
  }
  if (split !== undefined) throw usageError(`--split is for folders with queries and documents, unlike ${data}`)
  return textColumn === undefined ? await readScoredPairs(data, limit) : undefined
}

/** Texts up to whole batches, the last one several times. */
function filledUp(texts: TextDataset, batchSize: number): TextDataset {
  const { examples } = texts
  const missing = (batchSize - (examples.length % batchSize)) % batchSize
  const last = examples.slice(-1)
  return { ...texts, examples: [...examples, ...Array.from({ length: missing }, () => last).flat()] }
}

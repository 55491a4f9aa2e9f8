import {
  loadTokenizer,
  prepareInputs,
  readModelFolder,
  readTaggedTsv,
  readTexts,
  type TaggedInputs,
  type Task,
  taggedInputs,
  taskOf,
} from '@tp/eval'
import { type Dataset, type ModelInputs, modalityOf } from '@tp/eval/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { wholeNumber } from '../pruning/numbers.ts'
import { type dataOptions, openInputs, wholeBatches } from './open-inputs.ts'

export const taskOption = {
  task: {
    type: 'string',
    value: 'classification|tokens|embeddings|ranking',
    description: 'what the model is for; default: what its outputs look like',
  },
} as const

/** Data as a model of one task takes them. */
export type TaskInputs =
  | { readonly task: 'classification' | 'embeddings' | 'ranking'; readonly inputs: ModelInputs }
  | { readonly task: 'tokens'; readonly inputs: TaggedInputs; readonly labels: readonly string[] | undefined }

const tasks: readonly string[] = ['classification', 'tokens', 'embeddings', 'ranking'] satisfies Task[]

/** @throws TpError TP_USAGE */
export function readTask(text: string | undefined): Task | undefined {
  if (text === undefined || isTask(text)) return text
  throw usageError(`--task is "${text}"; it must be ${tasks.slice(0, -1).join(', ')} or ${tasks.at(-1)}`)
}

function isTask(text: string): text is Task {
  return tasks.includes(text)
}

/**
 * The examples of a file or folder for the given task, or for the one detected by the model's outputs.
 * @throws TpError of @tp/eval; TP_USAGE
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
  const task = asked ?? taskOf(outputs, labels)
  const isText = modalityOf(taken) === 'text'
  // Images and sounds have their labels in file names, which need not be parsed.
  if (task === 'classification' || task === 'ranking' || (task === 'embeddings' && !isText)) {
    const inputs = await openInputs(path, data, batchSize, given, context)
    // One logit on texts with classes says which of two classes they are of, as a sigmoid reads it.
    const ofClasses = asked === undefined && task === 'ranking' && inputs.ranking === undefined
    return { task: ofClasses ? 'classification' : task, inputs }
  }
  if (!isText) throw usageError('--task tokens is for models of texts')
  const idle = (task === 'tokens' ? (['text-column', 'label-column'] as const) : (['label-column'] as const)).find(
    (name) => given[name] !== undefined,
  )
  if (idle !== undefined) throw usageError(`--${idle} does not go with --task ${task}, which reads no such column`)
  progress.stage(`reading ${data}`)
  const limit = given.limit === undefined ? undefined : wholeNumber('limit', given.limit)
  const options = { ...known, tokenizer: given.tokenizer ?? known.tokenizer, signal }
  if (task === 'embeddings') {
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

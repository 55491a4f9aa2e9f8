import { inputRoles } from '@tp/compare'
import {
  type ExamplesOptions,
  type ModelFile,
  openExamples,
  prepareInputs,
  type ReadTaskData,
  readTaskData,
  type SpeechInputs,
  type TaskData,
} from '@tp/data'
import { loadFile } from '@tp/data/files'
import type { ModelInputs } from '@tp/data/inputs'
import { type WeighingDecoder, weighingDecoder, withDecoderForms } from '@tp/optimize/files'
import { nodeRuntime } from '@tp/runtime-node'
import type { dataOptions, taskOption } from '../arguments/data-options.ts'
import type { Arguments } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from './model-file.ts'

/** The options of the command line as those of `@tp/data`. */
export function examplesOptions(
  { labels, limit, top, tokenizer, candidates, split, unlabeled, ...args }: Arguments<typeof dataOptions>,
  batchSize: number,
  { progress, signal }: Context,
): ExamplesOptions {
  return {
    ...{ limit, top, tokenizer, candidates, split, unlabeled, batchSize, signal },
    labels: labels?.split(','),
    textColumn: args['text-column'],
    pairColumn: args['pair-column'],
    labelColumn: args['label-column'],
    onOmitted: (left) =>
      progress.note(`the model takes batches of ${batchSize} only: the last ${left} examples are omitted`),
  }
}

/** The examples of a file or folder, or texts, as many as fill batches, as the model takes them. @throws TpError of @tp/data; TP_USAGE */
export async function openInputs(
  path: string,
  data: string | readonly string[],
  batchSize: number,
  args: Arguments<typeof dataOptions>,
  context: Context,
): Promise<ModelInputs> {
  const { progress, signal, runtime = nodeRuntime() } = context
  progress.stage(typeof data === 'string' ? `reading ${data}` : 'reading texts')
  await using session = await loadFile(runtime, await readModelFile(path), { signal })
  const { dataset, prepare } = await openExamples(path, session, data, examplesOptions(args, batchSize, context))
  return await prepareInputs(dataset, session.inputs, prepare)
}

/** Batch size: the model's fixed one, or 1. */
export function batchSizeOf({ model }: ModelFile): number {
  const { batch } = inputRoles(model)
  return typeof batch === 'number' ? batch : 1
}

/** The transcripts, and the file of the decoder. */
interface SpeechTask {
  readonly task: 'asr'
  readonly inputs: SpeechInputs
  readonly decoder: string
  /** The file of its encoder, dense. */
  readonly encoder: string
  /** The form of the decoder that weighs states, where it was looked for. */
  readonly weighing?: WeighingDecoder
}

/** Data as a model of one task takes them. */
export type TaskInputs = Exclude<ReadTaskData, { readonly task: 'asr' }> | SpeechTask

/** Opens the decoder that follows an encoder of speech while `use` compares models. */
export async function withTaskData<T>(
  data: TaskInputs,
  { signal, runtime = nodeRuntime() }: Pick<Context, 'signal' | 'runtime'>,
  use: (data: TaskData) => Promise<T>,
): Promise<T> {
  if (data.task !== 'asr') return await use(data)
  const weighing = data.weighing ?? (await weighingOf(data.encoder, data.decoder))
  return await withDecoderForms(weighing, { runtime, signal }, (decoder) => use({ ...data, decoder }))
}

/** The form of a decoder that weighs the states of an encoder, by their files. */
async function weighingOf(encoder: string, decoder: string): Promise<WeighingDecoder> {
  const { model } = await readModelFile(encoder)
  const file = await readModelFile(decoder)
  return await endable(async () => weighingDecoder(model, file))
}

type TaskArguments = Arguments<typeof dataOptions & typeof taskOption> & { readonly 'late-interaction'?: boolean }

/**
 * The examples of a file or folder for the given task, or for the one detected by the model's outputs.
 * @throws TpError of @tp/data; TP_USAGE
 */
export async function openTaskInputs(
  path: string,
  data: string,
  batchSize: number,
  args: TaskArguments,
  context: Context,
): Promise<TaskInputs> {
  const { progress, signal, runtime = nodeRuntime() } = context
  const isSpeech = args.task === 'asr' || (args.task === undefined && args.decoder !== undefined)
  if (isSpeech && args.decoder === undefined)
    throw usageError('--task asr requires --decoder FILE, which writes down what the model hears')
  if (!isSpeech && args.decoder !== undefined) throw usageError('--decoder is for --task asr')
  await using session = await loadFile(runtime, await readModelFile(path), { signal })
  progress.stage(`reading ${data}`)
  const task = isSpeech ? ('asr' as const) : args.task
  const options = { ...examplesOptions(args, batchSize, context), task, byToken: args['late-interaction'] }
  const read = await readTaskData(path, session, data, options)
  return read.task === 'asr' ? { ...read, decoder: args.decoder as string, encoder: path } : read
}

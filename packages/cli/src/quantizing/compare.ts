import { inspectDecoder, type QuantizeOptions } from '@tp/compiler'
import type { ModelFile, TextNearness } from '@tp/data'
import { loadFile, loadSession } from '@tp/data/files'
import type { Task } from '@tp/data/outputs'
import { type QuantizedOnData, type QuantizedWithin, type QuantizeStage, quantizeOnData } from '@tp/optimize'
import { quantizeOnTexts } from '@tp/optimize/files'
import { nodeRuntime } from '@tp/runtime-node'
import type { dataOptions, taskOption } from '../arguments/data-options.ts'
import type { Arguments } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { batchSizeOf, openTaskInputs } from '../model/open-task-inputs.ts'
import { evaluation } from '../printing/progress.ts'

/** The data that answers are compared on, and how near these have to be. */
interface CompareArguments extends Omit<Arguments<typeof dataOptions & typeof taskOption>, 'data'> {
  readonly data: string
  readonly within?: number
  readonly smooth?: boolean
}

const stages: Readonly<Record<QuantizeStage, string>> = {
  channels: 'measuring how loud each channel is',
  dense: 'running the model as it is',
  whole: 'running it in 8 bits',
  nodes: 'measuring how far each node moves the answers',
  choice: 'choosing nodes that remain in float32',
}

type Compared = (QuantizedOnData & { readonly task: Exclude<Task, 'asr'> }) | QuantizedWithin<TextNearness>

/** Quantizes a file by the user's examples: an encoder by its answers, a decoder by the texts that it generates. */
export async function quantizeCompared(
  file: ModelFile,
  args: CompareArguments,
  form: QuantizeOptions,
  context: Context,
): Promise<Compared> {
  const { progress, signal, runtime = nodeRuntime() } = context
  const { within, smooth, data: texts, limit, tokenizer, 'text-column': textColumn } = args
  const loading = { threads: 1, signal }
  const how = {
    ...{ within, quantize: form, signal },
    load: (model: ModelFile['model']) =>
      model === file.model ? loadFile(runtime, file, loading) : loadSession(runtime, model, file, loading),
    onStage: (stage: QuantizeStage) => progress.stage(stages[stage]),
    onProgress: ({ done, total }: { readonly done: number; readonly total: number }) => progress.step(done, total),
  }
  if (inspectDecoder(file.model).ok) {
    if (smooth) throw usageError('tp quantize smooths encoders only: --smooth does not go with a decoder')
    if (args.task !== undefined)
      throw usageError('a decoder is compared by the texts that it generates: leave out --task')
    progress.stage(`reading ${texts}`)
    return await quantizeOnTexts(file, { ...how, texts, limit, tokenizer, textColumn })
  }
  const batchSize = batchSizeOf(file)
  const data = await openTaskInputs(file.path, texts, batchSize, args, context)
  if (data.task === 'asr') throw usageError('tp quantize compares no transcripts; tp eval --task asr judges each file')
  const examples = evaluation(data.inputs.targets.length)
  const found = await quantizeOnData({
    ...{ ...how, model: file.model, data, batchSize, smooth },
    onStage(stage) {
      // Smoothing has a bar of its own: the time of the other stages is known when it is over.
      if (stage === 'dense') progress.expect?.(within === undefined ? [examples, examples] : 4)
      how.onStage(stage)
    },
  })
  return { ...found, task: data.task }
}

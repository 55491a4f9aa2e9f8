import type { QuantizeOptions } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { loadSession } from '@tp/data/files'
import type { Task } from '@tp/data/outputs'
import { type QuantizedOnData, type QuantizeStage, quantizeOnData } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import type { dataOptions, taskOption } from '../arguments/data-options.ts'
import type { Arguments } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { batchSizeOf, openTaskInputs } from '../model/open-task-inputs.ts'
import { evaluation } from '../printing/progress.ts'

/** The data that answers are compared on, and how near these have to be. */
export interface CompareArguments extends Omit<Arguments<typeof dataOptions & typeof taskOption>, 'data'> {
  readonly data: string
  readonly within?: number
  readonly smooth?: boolean
}

export const stages: Readonly<Record<QuantizeStage, string>> = {
  channels: 'looking how loud each channel is',
  dense: 'running the model as it is',
  whole: 'running it in 8 bits',
  nodes: 'looking how far each node moves the answers',
  choice: 'choosing nodes that remain in float32',
}

/** Quantizes a file by the user's examples, as `quantizeOnData` of `@tp/optimize` does. */
export async function quantizeCompared(
  file: ModelFile,
  args: CompareArguments,
  form: QuantizeOptions,
  context: Context,
): Promise<QuantizedOnData & { readonly task: Exclude<Task, 'asr'> }> {
  const { progress, signal, runtime = nodeRuntime() } = context
  const { within } = args
  const batchSize = batchSizeOf(file)
  const data = await openTaskInputs(file.path, args.data, batchSize, args, context)
  if (data.task === 'asr') throw usageError('tp quantize compares no transcripts; tp eval --task asr judges each file')
  const examples = evaluation(data.inputs.targets.length)
  const loading = { threads: 1, signal }
  const found = await quantizeOnData({
    ...{ model: file.model, data, batchSize, within, smooth: args.smooth, quantize: form, signal },
    load: (model) =>
      model === file.model ? runtime.load(file.path, loading) : loadSession(runtime, model, file, loading),
    onStage(stage) {
      // Smoothing has a bar of its own: the time of the other stages is known when it is over.
      if (stage === 'dense') progress.expect?.(within === undefined ? [examples, examples] : 4)
      progress.stage(stages[stage])
    },
    onProgress: ({ done, total }) => progress.step(done, total),
  })
  return { ...found, task: data.task }
}

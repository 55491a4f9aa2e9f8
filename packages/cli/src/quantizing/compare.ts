import { type AnswerNearness, nearnessTo, spreadByLength } from '@tp/compare'
import {
  type QuantizeOptions,
  type SmoothedSite,
  type SmoothReport,
  smooth,
  type Transform,
  type Transformed,
  transform,
} from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { loadSession } from '@tp/data/files'
import { type ModelInputs, someExamples } from '@tp/data/inputs'
import type { Task } from '@tp/data/outputs'
import { nodeRuntime } from '@tp/runtime-node'
import { channelRanges, type Quantized, type QuantizedWithin, quantizeWithin } from '@tp/tune'
import type { Arguments } from '../arguments/arguments.ts'
import type { dataOptions, taskOption } from '../arguments/data-options.ts'
import { usageError } from '../arguments/usage-error.ts'
import { number } from '../arguments/values.ts'
import type { Context } from '../context/context.ts'
import { batchSizeOf } from '../model/open-inputs.ts'
import { openTaskInputs } from '../model/open-task-inputs.ts'
import { evaluation } from '../printing/expected-stages.ts'
import { quantizeFile } from './quantize-file.ts'

/** The compared answers, and the required nearness. */
interface CompareArguments extends Omit<Arguments<typeof dataOptions & typeof taskOption>, 'data'> {
  readonly data: string
  readonly within?: string
  readonly smooth?: boolean
}

export interface QuantizedCompared extends QuantizedWithin {
  readonly task: Exclude<Task, 'asr'>
  /** Where the model was smoothed before. */
  readonly smoothed: readonly SmoothedSite[] | undefined
}

const steps = {
  whole: 'running it in 8 bits',
  nodes: 'looking how far each node moves the answers',
  choice: 'choosing nodes that remain in float32',
} as const

/** Examples by which channels are smoothed: of all lengths. */
const SMOOTHED_BY = 64

/**
 * Compares with the dense model on the user's examples; with `--within` until the answers are near enough. With `--smooth` it is smoothed
 * first.
 */
export async function quantizeCompared(
  file: ModelFile,
  whole: Quantized,
  args: CompareArguments,
  form: QuantizeOptions,
  context: Context,
): Promise<QuantizedCompared> {
  const { progress, signal, runtime = nodeRuntime() } = context
  const within = args.within === undefined ? undefined : number('within', args.within)
  const batchSize = batchSizeOf(file)
  const data = await openTaskInputs(file.path, args.data, batchSize, args, context)
  if (data.task === 'asr') throw usageError('tp quantize compares no transcripts; tp eval --task asr judges each file')
  const loading = { threads: 1, signal }
  const smoothed = args.smooth === true ? await smoothedBy(file, data.inputs, context) : undefined
  const model = smoothed?.model ?? file.model
  const quantized = smoothed === undefined ? whole : quantizeFile({ ...file, model }, form)
  const examples = data.inputs.targets.length
  progress.expect?.(within === undefined ? [evaluation(examples), evaluation(examples)] : Object.keys(steps).length + 1)
  progress.stage('running the model as it is')
  const onProgress = ({ done, total }: { done: number; total: number }): void => progress.step(done, total)
  const answersOf = await (async () => {
    await using dense = await runtime.load(file.path, loading)
    return await nearnessTo(dense, data, { batchSize, signal, onProgress })
  })()
  const compareModel = async (model: Quantized['model'], thorough: boolean): Promise<AnswerNearness> => {
    await using session = await loadSession(runtime, model, file, loading)
    return await answersOf(session, thorough)
  }
  progress.stage(steps.whole)
  if (within === undefined) {
    return {
      ...quantized,
      nearness: await compareModel(quantized.model, true),
      floats: [],
      task: data.task,
      smoothed: smoothed?.reports[0].sites,
    }
  }
  let shown: keyof typeof steps = 'whole'
  const found = await quantizeWithin({
    ...{ model, within, compare: compareModel, quantize: form, signal },
    onProgress: ({ step, done, total }) => {
      if (step !== shown) progress.stage(steps[step])
      shown = step
      progress.step(done, total)
    },
  })
  return { ...found, task: data.task, smoothed: smoothed?.reports[0].sites }
}

async function smoothedBy(
  file: ModelFile,
  inputs: ModelInputs,
  context: Context,
): Promise<Transformed<readonly [Transform<SmoothReport>]>> {
  const { progress, signal } = context
  progress.stage('looking how loud each channel is')
  const ranges = await channelRanges({
    model: file.model,
    inputs: someExamples(inputs, spreadByLength(inputs, SMOOTHED_BY, 1).flat()),
    load: (model) => loadSession(nodeRuntime(), model, file, { threads: 1, signal }),
    signal,
    onProgress: ({ done, total }) => progress.step(done, total),
  })
  return transform(file.model, smooth({ ranges }))
}

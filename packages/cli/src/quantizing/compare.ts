import type { Quantized, QuantizeOptions } from '@tp/compiler'
import { nodeRuntime } from '@tp/runtime-node'
import { type Nearness, type QuantizedWithin, quantizeWithin } from '@tp/tune'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import { batchSizeOf, type dataOptions } from '../model/open-inputs.ts'
import { openTaskInputs, type taskOption } from '../model/open-task-inputs.ts'
import { number } from '../pruning/numbers.ts'
import { answersComparedWith, type ComparedInputs } from './nearness.ts'

/** What is compared, and how near it has to be. */
interface Asked extends Omit<Arguments<typeof dataOptions & typeof taskOption>, 'data'> {
  readonly data: string
  readonly within?: string
}

export interface QuantizedCompared extends QuantizedWithin {
  readonly task: ComparedInputs['task']
}

/** Compares with the dense model on the user's examples; with `--within` until the answers are near enough. */
export async function quantizeCompared(
  file: ModelFile,
  quantised: Quantized,
  given: Asked,
  form: QuantizeOptions,
  context: Context,
): Promise<QuantizedCompared> {
  const { progress, signal, runtime = nodeRuntime() } = context
  const within = given.within === undefined ? undefined : number('within', given.within)
  const batchSize = batchSizeOf(file)
  const data = await openTaskInputs(file.path, given.data, batchSize, given, context)
  if (data.task === 'asr') throw usageError('tp quantize compares no transcripts; tp eval --task asr judges each file')
  const loading = { runtime, threads: 1, signal }
  progress.stage('running the model as it is')
  const onProgress = ({ done, total }: { done: number; total: number }): void => progress.step(done, total)
  const answersOf = await (async () => {
    await using dense = await runtime.load(file.path, loading)
    return await answersComparedWith(dense, data, { batchSize, signal, onProgress })
  })()
  const compareModel = async (model: Quantized['model'], thorough: boolean): Promise<Nearness> => {
    await using session = await loadSession(model, file, loading)
    return await answersOf(session, thorough)
  }
  progress.stage('running it in 8 bits')
  if (within === undefined) {
    return { ...quantised, nearness: await compareModel(quantised.model, true), floats: [], task: data.task }
  }
  const found = await quantizeWithin({
    ...{ model: file.model, within, compare: compareModel, quantize: form, signal },
    onProgress: ({ step, done, total }) => {
      if (step !== 'whole') progress.note(`${step === 'nodes' ? 'node' : 'choice'} ${done} of ${total}`)
    },
  })
  return { ...found, task: data.task }
}

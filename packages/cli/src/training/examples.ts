import type { ModelFile } from '@tp/data'
import { isSameFile, loadFile } from '@tp/data/files'
import { nodeRuntime } from '@tp/runtime-node'
import { APART, type TrainingJob } from '@tp/train'
import { readTrainingExamples } from '@tp/train/files'
import type { dataOptions } from '../arguments/data-options.ts'
import { type Arguments, type TextOption, text } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { examplesOptions } from '../model/open-task-inputs.ts'

export const selectionOption: Readonly<Record<'selection', TextOption>> = {
  selection: text('PATH', 'examples to choose the best weights by; not those of --data', { reads: 'data' }),
}

type ExampleArguments = Arguments<typeof dataOptions & typeof selectionOption> & { readonly data: string }

/** Why a training requires data. */
export const TO_LEARN_FROM = 'examples to learn from'

/** The error of a command line without examples to choose by. */
export function selectionMissing(): Error {
  return usageError('--selection PATH is missing: examples to choose the best weights by')
}

/**
 * Examples to learn from, and to choose the best weights by.
 * @throws TpError TP_USAGE where both are one file, and of `@tp/data`
 */
export async function openExamples(
  file: ModelFile,
  args: ExampleArguments,
  context: Context,
): Promise<Pick<TrainingJob, 'inputs' | 'selection' | 'shared' | 'gives'>> {
  const { data, selection: other, limit, ...reading } = args
  if (other === undefined) throw selectionMissing()
  if (await isSameFile(data, other)) throw usageError(`--data and --selection are both ${data}; ${APART}`)
  const { progress, signal, runtime = nodeRuntime() } = context
  progress.stage(`reading ${data}`)
  const how = examplesOptions(reading, 1, context)
  await using session = await loadFile(runtime, file, { signal })
  const [learned, chosenBy] = [
    { ...how, path: data, limit },
    { ...how, path: other },
  ]
  return await readTrainingExamples(file, session, learned, chosenBy)
}

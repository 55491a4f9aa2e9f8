import type { ModelFile } from '@tp/data'
import { prepareInputs, sharedExamples } from '@tp/data'
import { isSameFile } from '@tp/data/files'
import type { ModelInputs } from '@tp/data/inputs'
import { APART, type TrainingJob } from '@tp/train'
import type { dataOptions } from '../arguments/data-options.ts'
import { type Arguments, type TextOption, text } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { givesVectors, openData, openTaskInputs } from '../model/open-task-inputs.ts'

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
  const some = { ...reading, ...(limit !== undefined && { limit }) }
  if (await givesVectors(file, context)) {
    const open = async (path: string, options: Arguments<typeof dataOptions>): Promise<ModelInputs> =>
      (await openTaskInputs(file.path, path, 1, { ...options, task: 'embeddings' }, context)).inputs as ModelInputs
    const inputs = await open(data, some)
    const selection = await open(other, reading)
    const known = new Set(inputs.keys)
    const shared = selection.keys?.filter((key) => known.has(key)).length ?? 0
    return { inputs, selection, shared, gives: 'vector' }
  }
  const learned = await openData(file.path, data, 1, some, context)
  const chosenBy = await openData(file.path, other, 1, reading, context)
  return {
    shared: await sharedExamples(chosenBy.dataset, learned.dataset),
    inputs: await prepareInputs(learned.dataset, learned.inputs, learned.prepare),
    selection: await prepareInputs(chosenBy.dataset, chosenBy.inputs, chosenBy.prepare),
    gives: learned.ranks ? 'score' : 'logits',
  }
}

import { fromPlan, type Plan } from '@tp/compiler'
import { amountNames } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { positive } from '../command/values.ts'
import { type demandOptions, readDemands } from '../measuring/check-files.ts'
import { givesVectors } from '../model/gives-vectors.ts'
import { batchSizeOf, type dataOptions } from '../model/open-inputs.ts'
import { openTaskInputs, readTask, type TaskInputs, type taskOption } from '../model/open-task-inputs.ts'
import { loadMethods } from '../plugins/load-methods.ts'
import type { pruningOptions, quantizeOption, Text } from '../pruning/options.ts'
import { settingsOf } from '../pruning/prune-file.ts'
import { readSettings } from '../pruning/read-fields.ts'
import type { ReadPlan } from '../pruning/read-plan.ts'
import { segmentOf } from '../pruning/segment.ts'
import { readWeights } from '../pruning/weights.ts'
import { formHere } from '../quantizing/form-here.ts'
import { type TunedWithin, tuneWithin } from './tune-within.ts'

export const tuningOptions: { readonly minutes: Text } = {
  minutes: {
    type: 'string',
    value: 'M',
    description:
      'with --data and no method: about how long to look for the fastest pruning that loses no more; default 10',
    is: 'positive',
    excludes: [
      'lossless',
      'output-tokens',
      'leave-out',
      'plan',
      'method',
      'then',
      'layers',
      'flops',
      'param',
      ...amountNames,
    ],
    because: '--minutes is for tuning, where it is not said how to prune',
  },
}

const MINUTES = 10

type Given = Arguments<
  typeof dataOptions &
    Pick<typeof taskOption, 'task'> &
    typeof demandOptions &
    typeof pruningOptions &
    typeof tuningOptions &
    typeof quantizeOption
>

/** Examples as the task of a model takes them; of a model that gives vectors also without labels. */
export async function openExamples(
  file: ModelFile,
  given: Given & { readonly data: string },
  context: Context,
): Promise<TaskInputs> {
  const task = readTask(given.task) ?? ((await givesVectors(file, context)) ? 'embeddings' : undefined)
  // --decoder is a file that is repaired, and nothing that writes down.
  const { decoder: _, task: __, ...reading } = given as Given & { readonly decoder?: string }
  const asked = { ...reading, ...(task !== undefined && { task }) }
  const opened = await openTaskInputs(file.path, given.data, batchSizeOf(file), asked, context)
  for (const note of opened.inputs.notes) context.progress.note(note)
  return opened
}

/** What of the examples can be spared for tuning decides the plan. */
export async function tunePlan(
  file: ModelFile,
  inputs: ModelInputs,
  embeds: boolean,
  given: Given,
  context: Context,
): Promise<TunedWithin> {
  const minutes = given.minutes === undefined ? MINUTES : positive('minutes', given.minutes)
  const { protect, encoder, ...segment } = readSettings(given)
  const protection = { ...(protect !== undefined && { protect }), ...(await segmentOf(file, segment)) }
  const common = {
    ...(encoder !== undefined && { encoder }),
    ...(given.quantize && { quantize: await formHere() }),
    protection,
  }
  const plugins = given.plugin ?? []
  return await tuneWithin(file, inputs, { minutes, demands: readDemands(given), plugins, embeds, common }, context)
}

/** A tuned plan as the options would ask for it, with what they say besides. */
export async function readTuned(tuned: Plan, given: Given): Promise<ReadPlan> {
  const { restore, outputs } = readSettings(given)
  const plan = { ...tuned, ...(restore !== undefined && { restore }), ...(outputs !== undefined && { outputs }) }
  const methods = [...(await loadMethods(given.plugin)).values()].map(({ entry }) => entry)
  const planned = fromPlan(plan, methods)
  return {
    plan,
    methods,
    method: planned.method,
    settings: settingsOf(plan, planned, await readWeights(given.weights)),
  }
}

/** What tuning did, in one sentence. */
export function tunedText({ seconds, isCutShort, figures }: TunedWithin, method: string): string {
  const { loss, examples } = figures
  const found =
    method === 'none' || loss === undefined
      ? `nothing that is faster loses no more than ${figures.maxLoss}, so only what is exact is done`
      : `the fastest that held on ${examples} examples that it was not chosen by`
  const limit = isCutShort ? '; the time was over before all was tried: more --minutes' : ''
  return `tuned for ${seconds} s: ${found}${limit}. The verdict is of other examples`
}

import { basename } from 'node:path'
import { TpError, withValues } from '@tp/core'
import { learnedBytes, valuesOf } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { type FitLensProgress, type FittedLens, fitLens } from '@tp/train'
import type { dataOptions } from '../arguments/data-options.ts'
import { settingOptions } from '../arguments/learning-options.ts'
import type { Arguments } from '../arguments/option.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { openTaskInputs } from '../model/open-task-inputs.ts'
import type { FITTED } from '../printing/train-line.ts'
import { pruneFile } from '../pruning/prune-file.ts'
import type { PlanToLearn } from '../pruning/read-plan.ts'
import { schedulesOf } from '../pruning/schedules.ts'
import { segmentOf } from '../pruning/segment.ts'
import { onlyEncoder } from './only-encoder.ts'

/** How the values of each of these methods are fitted. */
const fits: Readonly<Record<(typeof FITTED)[number], typeof fitLens>> = { lens: fitLens }

/** Whether `tp train` fits the method's values instead of training by steps. */
export function isFitted({ plan, settings }: PlanToLearn): boolean {
  return Object.hasOwn(fits, plan.method) && settings.params === undefined
}

/** Options that say how to train by steps. */
const stepping = [...Object.keys(settingOptions), 'selection', 'train', 'target-flops', 'resume', 'log']

export interface FitWork {
  readonly file: ModelFile
  readonly planned: PlanToLearn
  readonly args: Arguments<typeof dataOptions> & Readonly<Record<string, unknown>> & { readonly data: string }
  readonly context: Context
}

export interface FitOutcome {
  readonly model: Model
  readonly weights: Uint8Array
  readonly report: {
    readonly texts: number
    readonly schedule: readonly object[]
    readonly cosine?: FittedLens['cosine']
  }
}

/** Fits a method's values and prunes the model with them. @throws TpError, RefusalError */
export async function fitMethod({ file, planned, args, context }: FitWork): Promise<FitOutcome> {
  const { method, plan, settings } = planned
  const { progress, signal } = context
  const unused = stepping.find((name) => args[name] !== undefined)
  if (unused !== undefined)
    throw usageError(`--${unused}: ${plan.method} is fitted in closed form, without steps; omit it`)
  const encoder = onlyEncoder(planned, file, 'fit')
  const schedules = schedulesOf(planned, file.model, [encoder])
  const schedule = schedules.get(encoder.encoder)
  if (schedule === undefined) throw new TpError('TP_SCHEDULE', 'tp', 'no layer is named; name some with --layers')
  const { inputs } = await openTaskInputs(file.path, args.data, 1, { ...args, task: 'embeddings' }, context)
  const { protect } = settings
  progress.expect?.(work)
  let stage: FitLensProgress['stage'] | undefined
  const fit = fits[plan.method as keyof typeof fits]
  const fitted = await fit({
    ...{ model: file.model, method, schedule, inputs, runtime: nodeRuntime(), protect, signal },
    ...(settings.encoder !== undefined && { encoder: settings.encoder }),
    ...(await segmentOf(file, settings)),
    onProgress(at) {
      if (at.stage !== stage) progress.stage(stages[at.stage])
      stage = at.stage
      progress.step(at.done, at.total)
    },
  })
  const { learned, cosine } = fitted
  progress.stage(`pruning ${basename(file.path)}`)
  const values = withValues(method, (layer) => valuesOf(method, learned.get(layer) ?? {}, layer))
  const { model } = await pruneFile(file, { ...settings, method: values }, schedules)
  return {
    model,
    weights: learnedBytes(learned),
    report: {
      texts: inputs.targets.length,
      schedule: [...schedule].map(([layer, amount]) => ({ layer, ...amount })),
      ...(cosine && { cosine }),
    },
  }
}

/** Of the stages below, and of pruning, in passes of the dense model. */
const work = [1, 1, 0.7, 0.1].map((passes) => ({ work: passes, kind: 'passes' }))

const stages: Readonly<Record<FitLensProgress['stage'], string>> = {
  'final states': 'asking the dense model for the states of tokens',
  distances: 'asking how well they are predicted',
  'pruned texts': 'asking the pruned model',
}

/** The outcome, for a reader. */
export function describeFit({ texts, cosine }: FitOutcome['report']): string[] {
  if (cosine === undefined) return [`fitted on ${texts} texts; the head reads single tokens, so none are restored`]
  const { kept, predicted, context } = cosine
  return [
    `fitted on ${texts} texts, of which a fifth was held out to choose by`,
    `cosine to the dense mean there  ${context.toFixed(3)}; ${kept.toFixed(3)} of the kept tokens alone, ${predicted.toFixed(3)} without their context`,
  ]
}

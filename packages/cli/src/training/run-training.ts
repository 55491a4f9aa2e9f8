import { basename } from 'node:path'
import type { QuantizeOptions } from '@tp/compiler'
import type { Schedule } from '@tp/core'
import { learnedBytes } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { loadSession } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { inspectEncoders, planForFile, requireKeptRows, withoutItsLayers } from '@tp/plans/files'
import { nodeRuntime } from '@tp/runtime-node'
import {
  type FitLensProgress,
  fitPlan,
  fittedMethods,
  learnedSummary,
  type TrainingObserver,
  trainPlan,
} from '@tp/train'
import { requireStored, trainingStore } from '@tp/train/files'
import type { dataOptions } from '../arguments/data-options.ts'
import { type Learning, settingOptions } from '../arguments/learning-options.ts'
import type { Arguments } from '../arguments/option.ts'
import { saysHowMany } from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { openTaskInputs } from '../model/open-task-inputs.ts'
import { trainingLines } from '../printing/training-report.ts'
import type { ReadPlan } from '../pruning/read-plan.ts'
import { requireValues } from '../pruning/weights.ts'
import { quantizeFile } from '../quantizing/quantize-file.ts'
import { openExamples, type selectionOption } from './examples.ts'

/** A training, by its arguments. */
export interface TrainingTask {
  readonly file: ModelFile
  readonly out: string
  readonly planned: ReadPlan
  readonly args: Arguments<typeof dataOptions & typeof selectionOption> &
    Readonly<Record<string, unknown>> & { readonly data: string; readonly resume?: boolean }
  readonly context: Context
  /** How the trained model is stored in 8 bits, if it is. */
  readonly quantize: QuantizeOptions | undefined
}

/** A model that has learned, its report as content and for a reader, and the values that its method has learned. */
export interface TrainingResult {
  readonly model: Model
  readonly content: object
  readonly lines: readonly string[]
  readonly weights?: Uint8Array
}

/** Options that contradict what a method learns. @throws TpError TP_USAGE */
export function checkLearning({ method, plan, learns }: ReadPlan, { part, ofMethod }: Learning): void {
  if (learns) return
  const why = method.training === undefined ? 'has nothing to learn' : 'works with --weights here'
  const [own] = ofMethod
  if (own !== undefined) throw usageError(`--${own} is for methods that learn, and ${plan.method} ${why}; leave it out`)
  if (part === 'method') throw usageError(`--train method: ${plan.method} ${why}; train all, vectors or head`)
}

/** The plan of a training for its file. @throws Refused, TpError */
async function planOfTraining({ file, planned }: TrainingTask): Promise<ReadPlan['plan']> {
  const { plan, method, values, learns } = planned
  const shallow = withoutItsLayers(file, planned)
  const own = await planForFile(shallow, planned, inspectEncoders(shallow.model, plan.encoder))
  if (learns || !(saysHowMany(own) || method.unscheduled)) return own
  await requireKeptRows(file)
  if (!isFitted(planned)) requireValues(method, Array.isArray(own.layers) ? own.layers : [0, 1], values, file.path)
  return own
}

/** The model learns by steps, and with it where to prune, if the method does. @throws Refused, TpError */
export async function trainFile(
  task: TrainingTask,
  learning: Learning,
  observer: TrainingObserver,
): Promise<TrainingResult> {
  const { file, planned, out, args, context, quantize } = task
  const { methods, values, learns } = planned
  const { progress, signal } = context
  const { part, settings = {}, targetFlops, hardEpochs } = learning
  if (args.resume) await requireStored(out, learns ? 'soft' : 'hard')
  if (!learns) progress.stage(`pruning ${basename(file.path)}`)
  const plan = await planOfTraining(task)
  if (learns && !saysHowMany(plan) && targetFlops === undefined && planned.method.training?.harden === undefined) {
    const advice = 'give --target-flops F, or an amount such as --keep'
    throw usageError(`${plan.method} learns which tokens to keep, not how many: ${advice}`)
  }
  const examples = await openExamples(file, args, context)
  const trained = await trainPlan({
    ...{ dense: file.model, source: file.hash(), runtime: nodeRuntime(), plan, methods, values, part, settings },
    ...{ ...examples, targetFlops, quantize, observer, signal, resume: args.resume === true },
    ...(hardEpochs !== undefined && { hardEpochs }),
    load: (model) => loadSession(nodeRuntime(), model, file, { threads: 1, signal }),
    store: trainingStore(out),
  })
  const { layers, settings: used, step, schedule, learned, flops } = trained
  const { finished: in8Bits, ...selection } = trained.selection
  return {
    model: trained.model,
    content: {
      ...{ method: plan.method, params: plan.params ?? {}, layers, settings: { ...used, train: part }, step },
      selection: { ...selection, ...(in8Bits !== undefined && { in8Bits }) },
      ...(trained.plan && { plan: trained.plan }),
      ...(schedule && { schedule: scheduleContent(schedule) }),
      ...(learned && { learned: learnedSummary(learned) }),
      ...(flops !== undefined && { flops }),
    },
    lines: [`${plan.method}, weights of step ${step}`, ...trainingLines(trained)],
    ...(learned && { weights: learnedBytes(learned) }),
  }
}

function scheduleContent(schedule: Schedule): object[] {
  return [...schedule].map(([layer, amount]) => ({ layer, ...amount }))
}

/** Whether `tp train` fits the method's values instead of training by steps. */
export function isFitted({ plan, values }: ReadPlan): boolean {
  return fittedMethods.some((name) => name === plan.method) && values === undefined
}

/** Options that say how to train by steps. */
const stepping = [...Object.keys(settingOptions), 'selection', 'train', 'target-flops', 'resume', 'log']

/** Fits a method's values and prunes the model with them. @throws TpError, Refused */
export async function fitFile(task: TrainingTask): Promise<TrainingResult> {
  const { file, planned, args, context, quantize } = task
  const { progress, signal } = context
  const { method } = planned.plan
  const unused = stepping.find((name) => args[name] !== undefined)
  if (unused !== undefined) throw usageError(`--${unused}: ${method} is fitted in closed form, without steps; omit it`)
  const plan = await planOfTraining(task)
  const { inputs } = await openTaskInputs(file.path, args.data, 1, { ...args, task: 'embeddings' }, context)
  progress.expect?.(work)
  let stage: FitLensProgress['stage'] | undefined
  const fitted = await fitPlan({
    ...{ model: file.model, source: file.hash(), plan, methods: planned.methods },
    ...{ inputs, runtime: nodeRuntime(), signal },
    onProgress(at) {
      if (at.stage !== stage) progress.stage(stages[at.stage])
      stage = at.stage
      progress.step(at.done, at.total)
    },
  })
  const { model, learned, cosine } = fitted
  const texts = inputs.targets.length
  const schedule = scheduleContent(fitted.schedule)
  const lines =
    cosine === undefined
      ? [`fitted on ${texts} texts; the head reads single tokens, so none are restored`]
      : [
          `fitted on ${texts} texts, of which a fifth was held out to choose by`,
          `cosine to the dense mean there  ${cosine.context.toFixed(3)}; ${cosine.kept.toFixed(3)} of the kept tokens alone, ${cosine.predicted.toFixed(3)} without their context`,
        ]
  return {
    model: quantize === undefined ? model : quantizeFile({ ...file, model }, quantize).model,
    weights: learnedBytes(learned),
    content: { method, texts, schedule, ...(cosine && { cosine }) },
    lines: [method, ...lines],
  }
}

/** Of the stages below, in passes of the dense model. */
const work = [1, 1, 0.7].map((passes) => ({ work: passes, kind: 'passes' }))

const stages: Readonly<Record<FitLensProgress['stage'], string>> = {
  'final states': 'computing the states of tokens',
  distances: 'measuring how well they are predicted',
  'pruned texts': 'running the pruned model',
}

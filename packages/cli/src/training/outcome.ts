import { basename } from 'node:path'
import { learnedBytes } from '@tp/core/host'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { defaults, train } from '@tp/train'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { replaceFile } from '../files/replace-file.ts'
import type { ModelFile } from '../model/model-file.ts'
import type { dataOptions } from '../model/open-inputs.ts'
import { withoutItsLayers } from '../pruning/leave-out.ts'
import { inspectEncoders, pruneFile } from '../pruning/prune-file.ts'
import type { PlanToLearn } from '../pruning/read-plan.ts'
import { schedulesOf } from '../pruning/schedules.ts'
import { segmentOf } from '../pruning/segment.ts'
import type { DenseAnswers } from './dense-answers.ts'
import { namingCheckpoint, nothingToResume, readCheckpointFile } from './files.ts'
import { type StoredIn8Bits, storeIn8Bits } from './in-8-bits.ts'
import { checkpointPaths, learnInto, readCheckpoints, whereTokensLeave } from './learned.ts'
import { type learningOptions, methodLearningOptions, readLearning, readMethodLearning, trainsOf } from './learning.ts'
import { openLessons, type selectionOption } from './lessons.ts'
import type { SeenStep } from './plot.ts'
import { learnedSummary, planOf, type TrainingReport } from './report.ts'
import { fingerprint } from './subject.ts'
import type { TrainingData } from './training-data.ts'
import { methodWork, prunedWork, type TrainingJob, type TrainingSize } from './training-job.ts'
import type { Watch } from './watch.ts'

type DataSize = Pick<TrainingSize, 'examples' | 'selection'>

type LearnArguments = typeof dataOptions &
  typeof selectionOption &
  typeof learningOptions &
  typeof methodLearningOptions

/** What a training is made of. */
export interface Work {
  readonly file: ModelFile
  readonly out: string
  readonly asked: PlanToLearn
  readonly given: Arguments<LearnArguments> & { readonly resume?: boolean; readonly quantize?: boolean }
  readonly context: Context
  readonly watch: Watch
  readonly answers: DenseAnswers
}

/** What came out of it. */
export interface TrainingOutcome {
  readonly model: Model
  readonly steps: readonly SeenStep[]
  readonly about: Omit<TrainingReport, 'model' | 'out' | 'method' | 'params' | 'seconds'>
  /** File of what a method has learned. */
  readonly weights?: Uint8Array
}

/** The model learns, by a pruning that is given. */
export async function trainPruned({
  file,
  out,
  asked,
  given,
  context,
  watch,
  answers,
}: Work): Promise<TrainingOutcome> {
  const own = (Object.keys(methodLearningOptions) as (keyof typeof methodLearningOptions)[]).find(
    (name) => given[name] !== undefined,
  )
  const why = asked.method.training === undefined ? 'has nothing to learn' : 'works with --weights here'
  if (own !== undefined)
    throw usageError(`--${own} is for methods that learn, and ${asked.plan.method} ${why}; leave it out`)
  const { train: choice, ...learning } = readLearning(given)
  if (choice === 'method') throw usageError(`--train method: ${asked.plan.method} ${why}; train all, vectors or head`)
  const { settings } = asked
  const { progress, signal } = context
  const checkpoint = checkpointPaths(out).hard
  const saved = given.resume ? await readCheckpointFile(checkpoint) : undefined
  if (given.resume && saved === undefined && !(await answers.isThere())) throw nothingToResume(checkpoint)
  progress.stage(`pruning ${basename(file.path)}`)
  // The teacher has all layers.
  const shallow = withoutItsLayers(file, asked.plan)
  const schedules = schedulesOf(asked, shallow.model, inspectEncoders(shallow, settings.encoder))
  const pruned = await pruneFile(shallow, settings, schedules)
  const trains = trainsOf(choice, file, settings.encoder)
  const { job } = watch
  const { quantize: rounds = false } = given
  const lengths = { epochs: defaults.epochs, evaluations: defaults.evaluations, rounds, ...learning }
  const expected = { job, answers, expect: (size: DataSize) => job.expect(prunedWork({ ...lengths, ...size })) }
  const lessons = await openLessons(file, given, learning.distillation, expected, context)
  const { answer, inputs, selection, teacher, distillation, dense, load, accuracy } = lessons
  job.enter('pruned')
  const before = await accuracy(pruned.model)
  job.enter('hard')
  const trained = await namingCheckpoint(checkpointPaths(out), () =>
    train({
      ...learning,
      ...{ answer, distillation },
      ...{ model: pruned.model, runtime: nodeRuntime(), inputs, selection, teacher, load, signal },
      ...(trains && { trains }),
      ...(saved && { resume: saved }),
      about: {
        ...{ model: file.hash(), method: asked.plan.method, params: asked.plan.params ?? {}, train: choice },
        ...(asked.plan.leaveOut?.length && { leaveOut: asked.plan.leaveOut }),
        schedule: [...schedules].map(([encoder, schedule]) => [encoder, ...schedule]),
        ...{ data: fingerprint(inputs), selection: fingerprint(selection) },
      },
      onCheckpoint: (bytes) => replaceFile(checkpoint, bytes),
      onProgress: (at) => watch.step(at),
      onWork: (at) => watch.work(at),
    }),
  )
  const [only] = pruned.encoders.length === 1 ? pruned.encoders : []
  const stored = rounds ? await storeIn8Bits(file, trained.model) : undefined
  return {
    model: stored?.model ?? trained.model,
    steps: trained.progress.map((at) => ({ ...at, part: 'hard' })),
    about: {
      layers: [...new Set([...schedules.values()].flatMap((schedule) => [...schedule.keys()]))],
      settings: { ...defaults, ...learning, answer, distillation, train: choice },
      step: trained.step,
      selection: { dense, before, after: trained.accuracy ?? Number.NaN, ...(await judged(stored, lessons, job)) },
      ...(only && { schedule: [...only.schedule].map(([layer, amount]) => ({ layer, ...amount })) }),
    },
  }
}

/** The method learns where to prune, together with the model. */
export async function trainMethod({
  file,
  out,
  asked,
  given,
  context,
  watch,
  answers,
}: Work): Promise<TrainingOutcome> {
  const { train: choice, ...learning } = readLearning(given)
  const own = readMethodLearning(given)
  const { encoder, protect, restore } = asked.settings
  const segment = await segmentOf(file, asked.settings)
  const where = whereTokensLeave(asked, own, file, inspectEncoders(file, encoder))
  const trains = trainsOf(choice, file, encoder)
  const resume = given.resume ? await readCheckpoints(out, answers) : {}
  const { job } = watch
  const epochs = learning.epochs ?? defaults.epochs
  const looksAtTokens = asked.method.training?.saliencyAt !== undefined
  const { quantize: rounds = false } = given
  const lengths = {
    rounds,
    ...{ epochs, hardEpochs: choice === 'method' ? 0 : (own.hardEpochs ?? epochs), evaluations: defaults.evaluations },
    ...{ aims: own.targetFlops !== undefined, looksAtTokens, learnsAlone: choice === 'method' && looksAtTokens },
  }
  const expected = { job, answers, expect: (size: DataSize) => job.expect(methodWork({ ...lengths, ...size })) }
  const lessons = await openLessons(file, given, learning.distillation, expected, context)
  job.enter('soft')
  const settings = { ...learning, ...own, distillation: lessons.distillation }
  const { signal } = context
  const request = { asked, where, settings, train: choice, trains, resume, lessons, watch, signal }
  const result = await namingCheckpoint(checkpointPaths(out), () => learnInto(out, file, request))
  const { accuracy, dense } = lessons
  job.enter('end')
  const before = await accuracy(result.before)
  const { schedule, soft, hard, flops } = result
  const plan = planOf({
    method: asked.plan.method,
    params: asked.plan.params ?? {},
    schedule,
    encoder,
    protect,
    segment,
    restore,
  })
  const after = hard === undefined ? before : await accuracy(result.model)
  const stored = rounds ? await storeIn8Bits(file, result.model) : undefined
  return {
    model: stored?.model ?? result.model,
    steps: [
      ...soft.progress.map((at) => ({ ...at, part: 'soft' as const })),
      ...(hard?.progress ?? []).map((at) => ({ ...at, part: 'hard' as const })),
    ],
    about: {
      layers: where.layers,
      settings: {
        ...defaults,
        hardEpochs: own.hardEpochs ?? learning.epochs ?? defaults.epochs,
        ...settings,
        answer: lessons.answer,
        train: choice,
      },
      step: (hard ?? soft).step,
      selection: { dense, before, after, ...(await judged(stored, lessons, job)) },
      ...(plan && { plan: stored === undefined ? plan : { ...plan, quantize: stored.quantize } }),
      schedule: [...schedule].map(([layer, amount]) => ({ layer, ...amount })),
      learned: learnedSummary(result.learned),
      ...(flops !== undefined && { flops }),
    },
    weights: learnedBytes(result.learned),
  }
}

/** How good the file in 8 bits is, of which this is to be told. */
async function judged(
  stored: StoredIn8Bits | undefined,
  { accuracy }: Pick<TrainingData, 'accuracy'>,
  job: TrainingJob,
): Promise<{ readonly in8Bits?: number }> {
  if (stored === undefined) return {}
  job.enter('rounded')
  return { in8Bits: await accuracy(stored.model) }
}

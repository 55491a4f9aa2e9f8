import { rm } from 'node:fs/promises'
import { type Inspection, layersAt } from '@tp/compiler'
import { type Schedule, TpError } from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'
import { type LearnedPruning, learnPruning, type TrainingPart, type TrainSettings, type Trains } from '@tp/train'
import { usageError } from '../command/usage-error.ts'
import { replaceFile } from '../files/replace-file.ts'
import type { ModelFile } from '../model/model-file.ts'
import { RefusalError } from '../model/refusal-error.ts'
import { saysHowMany } from '../pruning/read-fields.ts'
import type { PlanToLearn } from '../pruning/read-plan.ts'
import { schedulesOf } from '../pruning/schedules.ts'
import { segmentOf } from '../pruning/segment.ts'
import type { DenseAnswers } from './dense-answers.ts'
import { nothingToResume, readCheckpointFile } from './files.ts'
import type { MethodLearning } from './learning.ts'
import { fingerprint } from './subject.ts'
import type { TrainingData } from './training-data.ts'
import type { Watch } from './watch.ts'

/** Where and how to prune, by the command line. */
export interface AskedWhere {
  readonly layers: readonly number[]
  /** Undefined: as learned. */
  readonly schedule: Schedule | undefined
}

/**
 * Where to prune the tokens of one encoder.
 * @throws RefusalError TP_PRUNED for a model that is pruned already; TpError TP_SCHEDULE, TP_USAGE
 */
export function whereTokensLeave(
  asked: PlanToLearn,
  { targetFlops }: MethodLearning,
  file: ModelFile,
  encoders: readonly [Inspection, ...Inspection[]],
): AskedWhere {
  const { method, plan } = asked
  const { method: name } = plan
  const hasAmounts = saysHowMany(plan)
  const [encoder, ...others] = encoders
  if (others.length > 0) {
    throw usageError(
      `${name} learns in one encoder; name it: --encoder ${encoders.map(({ encoder }) => encoder).join(' or ')}`,
    )
  }
  if (encoder.open > 0) {
    const message = 'this model is pruned already; train the file that it was made from'
    throw new RefusalError(file.path, { code: 'TP_PRUNED', message })
  }
  if (!hasAmounts && targetFlops === undefined && method.training?.harden === undefined) {
    throw usageError(
      `${name} learns which tokens to keep, not how many: give --target-flops F, or an amount such as --keep`,
    )
  }
  const layerCount = encoder.layers.length
  const isBehind = (method.site ?? 'attention') === 'attention'
  // After the attention of the last layer most models need only one token.
  const usual = Array.from({ length: layerCount - 1 }, (_, i) => (isBehind ? i : i + 1))
  const chosen = layersAt(plan, encoder.encoder) ?? usual
  const unknown = chosen.find((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < layerCount))
  if (unknown !== undefined || chosen.length === 0) {
    const seen = unknown === undefined ? 'there is no layer to prune' : `layer ${unknown} does not exist`
    throw new TpError(
      'TP_SCHEDULE',
      'tp',
      `${seen}: the model has layers 0 to ${layerCount - 1}; name some with --layers`,
    )
  }
  if (!hasAmounts) return { layers: chosen, schedule: undefined }
  const schedules = schedulesOf({ ...asked, plan: { ...plan, layers: chosen } }, file.model, encoders)
  return { layers: chosen, schedule: schedules.get(encoder.encoder) }
}

export interface LearnRequest {
  readonly asked: PlanToLearn
  readonly where: AskedWhere
  readonly settings: TrainSettings & MethodLearning
  /** What `--train` says, and which weights that are. */
  readonly train: string
  readonly trains: Trains | undefined
  readonly resume: Partial<Readonly<Record<TrainingPart, Uint8Array>>>
  readonly lessons: TrainingData
  readonly watch: Watch
  readonly signal: AbortSignal
}

/** Learns where to prune; checkpoints are next to the file to be written. */
export async function learnInto(out: string, file: ModelFile, request: LearnRequest): Promise<LearnedPruning> {
  const { asked, where, settings, train, trains, resume, lessons, watch, signal } = request
  const { targetFlops, ...others } = settings
  const { encoder, protect, restore, outputs } = asked.settings
  const segment = await segmentOf(file, asked.settings)
  const { answer, inputs, selection, teacher, load } = lessons
  const paths = checkpointPaths(out)
  return learnPruning({
    ...others,
    model: file.model,
    soft: {
      method: asked.method,
      layers: where.layers,
      protect,
      ...segment,
      ...(targetFlops !== undefined && { targetFlops }),
      ...(encoder !== undefined && { encoder }),
    },
    ...(where.schedule && { schedule: where.schedule }),
    pruning: { restore, source: file.hash(), ...(outputs && { outputs }) },
    ...(trains && { trains }),
    runtime: nodeRuntime(),
    ...{ answer, inputs, selection, teacher, load, resume, signal },
    about: {
      ...{ model: file.hash(), params: asked.plan.params ?? {}, train, encoder, protect, ...segment, restore, outputs },
      schedule: where.schedule && [...where.schedule],
      ...{ data: fingerprint(inputs), selection: fingerprint(selection) },
    },
    onProgress: (at, part) => watch.step(at, part),
    onWork: (at, part) => watch.work(at, part),
    async onCheckpoint(bytes, part) {
      // One of the hard part would be that of an earlier training.
      if (part === 'soft') await rm(paths.hard, { force: true })
      await replaceFile(paths[part], bytes)
      watch.saved()
    },
  })
}

export function checkpointPaths(out: string): Readonly<Record<TrainingPart, string>> {
  return { soft: `${out}.soft.checkpoint`, hard: `${out}.checkpoint` }
}

/** @throws TpError TP_FILE_NOT_FOUND if there is none of soft training, and none of what was asked before it */
export async function readCheckpoints(out: string, answers: DenseAnswers): Promise<LearnRequest['resume']> {
  const paths = checkpointPaths(out)
  const [soft, hard] = await Promise.all([readCheckpointFile(paths.soft), readCheckpointFile(paths.hard)])
  if (soft === undefined && !(await answers.isThere())) throw nothingToResume(paths.soft)
  return { ...(soft && { soft }), ...(hard && { hard }) }
}

import { isTpError, type Method, quasiRandom, random, type Schedule, schedule, stride } from '@tp/core'
import { compareToDense, type Evaluation, evaluate } from '@tp/eval'
import { balanced, clsAttention, receivedAttention, valueAware } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import { encodeModel, type Model } from '@tp/onnx'
import { examplesFlops, fitSchedule } from '@tp/train'
import { inParallel } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import { lengthOfEqualCost } from '../measure/truncation.ts'
import { pruned, prunedModel, withoutDeadTokens } from '../measure/variant.ts'
import type { Context } from '../report/section.ts'
import type { Material } from './runs.ts'
import type { Candidate } from './table.ts'

/** What needs no training, and where its tokens may leave. */
export interface TrainingFree {
  readonly methods: readonly Method[]
  readonly layers: readonly (readonly number[])[]
}

export const forTexts: TrainingFree = {
  methods: [receivedAttention(), valueAware(), balanced({ values: true }), clsAttention()],
  layers: [
    [1, 2, 3, 4],
    [0, 1, 2, 3, 4],
  ],
}

export const forImages: TrainingFree = {
  methods: [quasiRandom(), tome(), receivedAttention(), clsAttention()],
  layers: [[0], [1], [1, 2, 3, 4]],
}

export interface Setting {
  readonly method: Method
  readonly layers: readonly number[]
  readonly schedule: Schedule
  /** Points lost on the selection set. */
  readonly loss: number
}

/** The training-free method and layers that lose least on the selection set, at a share of the FLOPs. */
export async function bestTrainingFree(
  context: Context,
  material: Material,
  share: number,
  { methods, layers: layerSets }: TrainingFree,
): Promise<Setting> {
  const { runtime, onProgress } = context
  const { model, selection, layerCount } = material
  const settings: Omit<Setting, 'loss'>[] = []
  for (const method of methods) {
    for (const layers of layerSets) {
      const asked = schedule(layerCount, { layers, keep: 0.6 })
      const fitting = { model, method, schedule: asked, targetFlops: share, inputs: selection, runtime }
      // Merging in pairs takes at most half of the tokens away, which may be too little at one layer.
      const fitted = await fitSchedule(fitting).catch(unreachable)
      if (fitted !== undefined) settings.push({ method, layers, schedule: fitted.schedule })
    }
  }
  onProgress(`${settings.length} training-free settings on the selection set`)
  // In large batches: only right answers are asked for.
  const answers = async (file: Uint8Array): Promise<Evaluation> => {
    await using session = await runtime.load(file, { threads: 1, worker: true })
    return await evaluate(session, selection, { batchSize: 32 })
  }
  const [dense, ...evaluations] = await inParallel([
    () => answers(material.file),
    ...settings.map(
      ({ method, schedule }) =>
        () =>
          answers(encodeModel(prunedModel(model, { method, schedule }, method.name))),
    ),
  ])
  const tried = settings.map((setting, i) => ({
    ...setting,
    loss: compareToDense(evaluations[i] as Evaluation, dense as Evaluation).loss.estimate,
  }))
  return tried.reduce((best, next) => (next.loss < best.loss ? next : best))
}

function unreachable(error: unknown): undefined {
  if (!isTpError(error) || error.code !== 'TP_FLOPS') throw error
}

/**
 * Rows that learned methods are compared with: dense without its dead tokens, what needs no training, chance, and tokens
 * left out without looking: of a text all behind a place, of an image every so many-th.
 */
export async function controls(subject: Subject, { method, layers, schedule: chosen }: Setting): Promise<Candidate[]> {
  const whole = withoutDeadTokens(subject).model
  const all = examplesFlops(whole, subject.lengths)
  const row = (name: string, models: readonly Model[], note: string): Candidate => ({
    name,
    files: models.map((model) => encodeModel(model)),
    flops: examplesFlops(models[0] as Model, subject.lengths) / all,
    note,
  })
  const cut = (by: Method): Model => pruned(subject, by, chosen).model
  const best = cut(method)
  const chance = [0, 1, 2, 3, 4].map((seed) => cut(random({ seed })))
  const rows = [
    row('dense', [whole], 'without its dead tokens'),
    row(`${method.name}, as it is`, [best], `best without training; layers ${layers.join(', ')}`),
    row('random', chance, 'the same schedule'),
  ]
  if (subject.inputs.lengths === undefined) {
    return [...rows, row('stride', [cut(stride())], 'the same schedule')]
  }
  const limit = lengthOfEqualCost(whole, subject.lengths, examplesFlops(best, subject.lengths))
  const inputs = await subject.truncated(limit)
  const flops = examplesFlops(whole, inputs.lengths as readonly number[]) / all
  return [...rows, { ...row('truncation', [whole], `first ${limit} tokens`), inputs, flops }]
}

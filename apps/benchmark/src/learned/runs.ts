import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { prune } from '@tp/compiler'
import { type Method, type Schedule, schedule, TpError } from '@tp/core'
import { evaluate, type ModelInputs } from '@tp/eval'
import { encodeModel, type Model } from '@tp/onnx'
import { allButTables, fitSchedule, learnPruning, saliencyOf, type TrainSettings, train, weightsOf } from '@tp/train'
import { writeWhole } from '../output/write-file.ts'
import type { Context } from '../report/section.ts'

/** One training. */
export interface LearnedRun {
  /** Name of its files in `reports/learned`. */
  readonly key: string
  readonly method: Method
  readonly layers: readonly number[]
  /** Where the method learns no amounts: what the fitting begins with. */
  readonly keep?: number | readonly number[]
  /** Share of the FLOPs that is aimed at. */
  readonly share: number
  readonly settings: TrainSettings
  readonly hardEpochs: number
  /** It learns from how much each token counts for the dense model. */
  readonly saliency?: boolean
}

/** What came of it. */
export interface LearnedFile {
  readonly file: Uint8Array
  readonly minutes: number
  readonly schedule: Schedule
  /** Share of the FLOPs on the selection set. */
  readonly flops: number
}

export interface Material {
  readonly model: Model
  readonly file: Uint8Array
  readonly blocks: number
  readonly training: ModelInputs
  readonly selection: ModelInputs
}

/** A training's result: from its files, or trained now. */
export async function learnedFile(context: Context, run: LearnedRun, material: Material): Promise<LearnedFile> {
  const path = (kind: string): string =>
    fileURLToPath(new URL(`../../../../reports/learned/${run.key}.${kind}`, import.meta.url))
  try {
    const { minutes, schedule, flops } = JSON.parse(await readFile(path('json'), 'utf8'))
    return { file: await readFile(path('onnx')), minutes, schedule: new Map(schedule), flops }
  } catch {
    const start = performance.now()
    const { model, schedule, flops } = await learn(context, run, material)
    const file = encodeModel(model)
    const minutes = (performance.now() - start) / 60_000
    await writeWhole(path('onnx'), file)
    await writeWhole(path('json'), JSON.stringify({ minutes, schedule: [...schedule], flops }))
    return { file, minutes, schedule, flops }
  }
}

interface Learnt {
  readonly model: Model
  readonly schedule: Schedule
  readonly flops: number
}

async function learn({ runtime, onProgress }: Context, run: LearnedRun, material: Material): Promise<Learnt> {
  const { key, method, layers, keep = 0.7, share, settings, hardEpochs } = run
  const { model, file, blocks, training: inputs, selection } = material
  onProgress(`${key}: answers of the dense model`)
  await using dense = await runtime.load(file, { threads: 1 })
  const { logits: teacher } = await evaluate(dense, inputs, { batchSize: 32 })
  const told = ({ step, steps, loss }: { step: number; steps: number; loss: number }, part: string): void => {
    if (step % 50 === 0) onProgress(`${key}: ${part} step ${step} of ${steps}, loss ${loss.toFixed(3)}`)
  }
  const common = { ...settings, model, runtime, inputs, teacher }
  const asked = schedule(blocks, { layers, keep })
  if (method.training !== undefined) {
    const learned = await learnPruning({
      ...common,
      ...(run.saliency && { saliency: await saliencyOf({ model, runtime, inputs, batchSize: 32 }) }),
      soft: { method, layers, targetFlops: share },
      schedule: asked,
      hardEpochs,
      selection,
      onProgress: told,
    })
    return { ...learned, flops: learned.flops as number }
  }
  const fitted = await fitSchedule({ model, method, schedule: asked, targetFlops: share, inputs: selection, runtime })
  const result = prune(model, { method, schedule: fitted.schedule })
  if (!result.ok) throw new TpError(result.refusal.code, 'benchmark', result.refusal.message)
  const own = weightsOf(model, allButTables(model))
  const trained = await train({
    ...common,
    model: result.model,
    epochs: hardEpochs,
    trains: (name) => own.has(name),
    onProgress: (progress) => told(progress, 'hard'),
  })
  return { model: trained.model, ...fitted }
}

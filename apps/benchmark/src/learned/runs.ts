import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Method, type Schedule, schedule } from '@tp/core'
import { valuesOf } from '@tp/core/host'
import { evaluate } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { encodeModel, type Model } from '@tp/onnx'
import {
  allButTables,
  fitSchedule,
  learnPruning,
  saliencyOf,
  type TrainSettings,
  train,
  weightsOf,
  withWeights,
} from '@tp/train'
import { prunedModel } from '../measure/variant.ts'
import { writeWhole } from '../output/write-file.ts'
import type { Context } from '../report/section.ts'

/** One training. */
export interface LearnedRun {
  /** Name of its files in `reports/learned`. */
  readonly key: string
  readonly method: Method
  readonly layers: readonly number[]
  /** Share of the FLOPs that is aimed at. */
  readonly share: number
  readonly settings: TrainSettings
  /** Of the encoder alone, its tokens leaving. */
  readonly hardEpochs: number
  /** It learns from how much each token counts for the dense model. */
  readonly saliency?: boolean
}

/** What came of it. */
export interface LearnedFile {
  readonly file: Uint8Array
  /** The same with traces. */
  readonly traced: Uint8Array
  readonly minutes: number
  readonly schedule: Schedule
  /** Share of the FLOPs on the selection set. */
  readonly flops: number
}

/** What is learned from. */
export interface Material {
  readonly model: Model
  readonly file: Uint8Array
  readonly layerCount: number
  readonly training: ModelInputs
  readonly selection: ModelInputs
}

/** A training's result: from its files, or trained now. */
export async function learnedFile(context: Context, run: LearnedRun, material: Material): Promise<LearnedFile> {
  const path = (kind: string): string =>
    fileURLToPath(new URL(`../../../../reports/learned/${run.key}.${kind}`, import.meta.url))
  try {
    const { minutes, schedule, flops } = JSON.parse(await readFile(path('json'), 'utf8'))
    const [file, traced] = [await readFile(path('onnx')), await readFile(path('traced.onnx'))]
    return { file, traced, minutes, schedule: new Map(schedule), flops }
  } catch {
    const start = performance.now()
    const { model, traced, schedule, flops } = await learn(context, run, material)
    const minutes = (performance.now() - start) / 60_000
    const files = { file: encodeModel(model), traced: encodeModel(traced) }
    await writeWhole(path('onnx'), files.file)
    await writeWhole(path('traced.onnx'), files.traced)
    await writeWhole(path('json'), JSON.stringify({ minutes, schedule: [...schedule], flops }))
    return { ...files, minutes, schedule, flops }
  }
}

interface Learnt {
  readonly model: Model
  readonly traced: Model
  readonly schedule: Schedule
  readonly flops: number
}

async function learn(context: Context, run: LearnedRun, material: Material): Promise<Learnt> {
  const { runtime, onProgress } = context
  const { key, method, layers, share, settings, hardEpochs } = run
  const { model, layerCount, training: inputs, selection } = material
  const teacher = await teacherOf(context, material)
  const onStep = ({ step, steps, loss }: { step: number; steps: number; loss: number }, part = 'hard'): void => {
    if (step % 50 === 0) onProgress(`${key}: ${part} step ${step} of ${steps}, loss ${loss.toFixed(3)}`)
  }
  const common = { ...settings, model, runtime, inputs, teacher }
  if (method.training === undefined) {
    const asked = schedule(layerCount, { layers, keep: 0.6 })
    const fitted = await fitSchedule({ model, method, schedule: asked, targetFlops: share, inputs: selection, runtime })
    const own = weightsOf(model, allButTables(model))
    const pruned = cut(model, method, fitted.schedule).model
    const { weights } = await train({
      ...common,
      model: pruned,
      epochs: hardEpochs,
      trains: (name) => own.has(name),
      onProgress: (progress) => onStep(progress),
    })
    return { ...cut(withWeights(model, weights), method, fitted.schedule), ...fitted }
  }
  const learned = await learnPruning({
    ...common,
    ...(run.saliency && { saliency: await saliencies(context, material) }),
    soft: { method, layers, targetFlops: share },
    hardEpochs,
    selection,
    onProgress: onStep,
  })
  const { dense, schedule: amounts, flops, learned: values } = learned
  return { ...cut(dense, method, amounts, values), schedule: amounts, flops: flops as number }
}

/** The pruned model, and the same with traces. */
function cut(
  model: Model,
  method: Method,
  schedule: Schedule,
  learned: Awaited<ReturnType<typeof learnPruning>>['learned'] = new Map(),
): Pick<Learnt, 'model' | 'traced'> {
  const params = (layer: number) => valuesOf(method, learned.get(layer) ?? {}, layer)
  const pruned = (trace: boolean): Model => prunedModel(model, { method, schedule, params, trace }, method.name)
  return { model: pruned(false), traced: pruned(true) }
}

/** Asked for once, however many trainings of one process need it. */
function once<M extends Pick<Material, 'training'>, T>(ask: (context: Context, material: M) => Promise<T>) {
  const known = new WeakMap<ModelInputs, Promise<T>>()
  return (context: Context, material: M): Promise<T> => {
    const asked = known.get(material.training) ?? ask(context, material)
    known.set(material.training, asked)
    return asked
  }
}

/** What the dense model answers to the texts that are learned from, [texts, classes]. */
export const teacherOf: (context: Context, material: Pick<Material, 'file' | 'training'>) => Promise<Float32Array> =
  once(async ({ runtime, onProgress }, { file, training }) => {
    onProgress('answers of the dense model')
    await using dense = await runtime.load(file, { threads: 1 })
    return (await evaluate(dense, training, { batchSize: 32 })).logits
  })

const saliencies = once(async ({ runtime, onProgress }, { model, training }: Pick<Material, 'model' | 'training'>) => {
  onProgress('saliency')
  return await saliencyOf({ model, runtime, inputs: training, batchSize: 32 })
})

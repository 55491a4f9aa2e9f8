import { prune, transform } from '@tp/compiler'
import { type Method, type Schedule, schedule } from '@tp/core'
import { valuesOf } from '@tp/core/host'
import { encodeModel, type Model } from '@tp/onnx'
import { allButTables, fitSchedule, learnPruning, type TrainSettings, train, weightsOf, withWeights } from '@tp/train'
import { keptJson, learnedPath, writeWhole } from '../files.ts'
import type { SectionContext } from '../report/section.ts'
import { type Material, saliencies, teacherOf } from './material.ts'

/** One training. */
export interface LearnedRun {
  /** Name of its files in `reports/learned`, and in settings. */
  readonly key: string
  readonly method: Method
  readonly layers: readonly number[]
  /** Target share of the FLOPs. */
  readonly share: number
  readonly settings: TrainSettings
  /** Of the encoder alone, with tokens really pruned. */
  readonly hardEpochs: number
  /** It learns from how much each token counts for the dense model. */
  readonly saliency?: boolean
}

/** The facts about a training. */
export interface LearnedFacts {
  readonly minutes: number
  readonly schedule: readonly (readonly [layer: number, amount: { readonly kind: string; readonly value: number }])[]
  /** Share of the FLOPs on the selection set. */
  readonly flops: number
}

/** Trains, unless that has been done; the model is then a file of `reports/learned`, with traces and without. */
export function learnOnce(context: SectionContext, run: LearnedRun, material: Material): Promise<LearnedFacts> {
  return keptJson(`learned/${run.key}.json`, async () => {
    const start = performance.now()
    const { dense, amounts, flops, learned } = await learn(context, run, material)
    const minutes = (performance.now() - start) / 60_000
    const { method, key } = run
    const params = (layer: number) => valuesOf(method, learned?.get(layer) ?? {}, layer)
    for (const trace of [true, false]) {
      const model = transform(dense, prune({ method, schedule: amounts, params, trace })).model
      await writeWhole(learnedPath(`${key}.${trace ? 'traced.' : ''}onnx`), encodeModel(model))
    }
    return { minutes, schedule: [...amounts], flops }
  })
}

interface Learnt {
  readonly dense: Model
  readonly amounts: Schedule
  readonly flops: number
  readonly learned?: Awaited<ReturnType<typeof learnPruning>>['learned']
}

async function learn(context: SectionContext, run: LearnedRun, material: Material): Promise<Learnt> {
  const { runtime, onProgress } = context
  const { key, method, layers, share, settings, hardEpochs } = run
  const { model, training: inputs, selection } = material
  const teacher = await teacherOf(context, material)
  const onStep = ({ step, steps, loss }: { step: number; steps: number; loss: number }, part = 'hard'): void => {
    if (step % 50 === 0) onProgress(`${key}: ${part} step ${step} of ${steps}, loss ${loss.toFixed(3)}`)
  }
  const common = { ...settings, model, runtime, inputs, teacher }
  if (method.training === undefined) {
    const drawn = schedule(material.layers, { layers, keep: 0.6 })
    const fitted = await fitSchedule({ model, method, schedule: drawn, targetFlops: share, inputs: selection, runtime })
    const dense = await fineTuned(model, method, fitted.schedule, (pruned, trains) =>
      train({ ...common, model: pruned, epochs: hardEpochs, trains, onProgress: (progress) => onStep(progress) }),
    )
    return { dense, amounts: fitted.schedule, flops: fitted.flops }
  }
  const {
    dense,
    schedule: amounts,
    flops,
    learned,
  } = await learnPruning({
    ...common,
    ...(run.saliency && { saliency: await saliencies(context, material) }),
    soft: { method, layers, targetFlops: share },
    hardEpochs,
    selection,
    onProgress: onStep,
  })
  return { dense, amounts, flops: flops as number, learned }
}

/** A dense model whose encoder has learned with its tokens pruned. @param training of the pruned model */
async function fineTuned(
  model: Model,
  method: Method,
  amounts: Schedule,
  training: (pruned: Model, trains: (name: string) => boolean) => ReturnType<typeof train>,
): Promise<Model> {
  const own = weightsOf(model, allButTables(model))
  const pruned = transform(model, prune({ method, schedule: amounts })).model
  const { weights } = await training(pruned, (name) => own.has(name))
  return withWeights(model, weights)
}

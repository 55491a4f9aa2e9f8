import { type Learned, type Method, withValues } from '@tp/core'
import { valuesOf } from '@tp/core/host'
import { sdtp } from '@tp/method-gradient'
import { train } from '@tp/train'
import type { Context } from '../report/section.ts'
import { type Material, teacherOf } from './runs.ts'

/** Nothing is learned from labels: what the dense model answers is what there is to learn. */
export const fromDense = { batchSize: 8, evaluations: 1, distillation: 1, temperature: 1 } as const

/** The networks are small: a high rate, and every text several times. */
export const foretellingEpochs = 4
const settings = { ...fromDense, epochs: foretellingEpochs, methodRate: 2e-3 }

/** What the networks of `sdtp` learn at some layers of a text encoder, whose own weights stay as they are. */
export async function learnForetelling(
  context: Context,
  material: Pick<Material, 'model' | 'file' | 'training'>,
  layers: readonly number[],
): Promise<ReadonlyMap<number, Learned>> {
  const { runtime, onProgress } = context
  const { model, training: inputs } = material
  const teacher = await teacherOf(context, material)
  onProgress('saliency')
  const { learned } = await train({
    runtime,
    model,
    inputs,
    ...settings,
    teacher,
    soft: { method: sdtp(), layers },
    trains: () => false,
    onProgress({ step, steps, loss }) {
      if (step % 100 === 0) onProgress(`networks: step ${step} of ${steps}, loss ${loss.toFixed(3)}`)
    },
  })
  return learned
}

/** `sdtp` with what its networks have learned. */
export function prediction(learned: ReadonlyMap<number, Learned>): Method {
  return withValues(sdtp(), (layer) => valuesOf(sdtp(), learned.get(layer) ?? {}, layer))
}

import { type Learned, type Method, valuesOf, withValues } from '@tp/core'
import type { ModelInputs } from '@tp/eval'
import { sdtp } from '@tp/method-gradient'
import { train } from '@tp/train'
import { evaluateFile } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import type { Context } from '../report/section.ts'

/** Nothing is learned from labels: what the dense model answers is what there is to learn. */
export const fromDense = { batchSize: 8, evaluations: 1, distillation: 1, temperature: 1 } as const

/** The networks are small: a high rate, and every text several times. */
export const foretellingEpochs = 4
const settings = { ...fromDense, epochs: foretellingEpochs, methodRate: 2e-3 }

/** What the networks of `sdtp` learn at some blocks of a text encoder, whose own weights stay as they are. */
export async function learnForetelling(
  { runtime, onProgress }: Pick<Context, 'runtime' | 'onProgress'>,
  { model, file }: Pick<Subject, 'model' | 'file'>,
  inputs: ModelInputs,
  layers: readonly number[],
): Promise<ReadonlyMap<number, Learned>> {
  onProgress('answers of the dense model')
  const { logits: teacher } = await evaluateFile(runtime, file, inputs, { resamples: 1 })
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
export function foretelling(learned: ReadonlyMap<number, Learned>): Method {
  return withValues(sdtp(), (block) => valuesOf(sdtp(), learned.get(block) ?? {}, block))
}

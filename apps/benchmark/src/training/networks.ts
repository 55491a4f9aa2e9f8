import { access } from 'node:fs/promises'
import { learnedBytes } from '@tp/core/host'
import { type ModelInputs, someExamples } from '@tp/eval/inputs'
import { sdtp } from '@tp/method-gradient'
import { train } from '@tp/train'
import { learnedPath, writeWhole } from '../files.ts'
import { openSubject } from '../measure/subject.ts'
import type { MethodChoice } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import type { Context } from '../report/section.ts'
import { type Material, teacherOf } from './material.ts'

/** Nothing is learned from labels: what the dense model answers is what there is to learn. */
export const fromDense = { batchSize: 8, evaluations: 1, distillation: 1, temperature: 1 } as const

/** The networks are small: a high rate, and every text several times. */
const settings = { ...fromDense, epochs: 4, methodRate: 2e-3 }

/** Calibration reviews that settings are chosen by; what learns, learns from the others. */
export const CHOSEN_BY = 800

type Learner = Pick<Material, 'model' | 'file' | 'training'>

/** `sdtp` of MiniLM, for any layers but the last; its networks learned once from reviews that nothing is chosen by, without labels. */
export function sdtpOfReviews(context: Context): Promise<MethodChoice> {
  return sdtpOnce(context, 'imdb-sdtp', async () => {
    const { model, file, inputs } = await openSubject(context, subjects['minilm-imdb'], 'calibration')
    return { model, file, training: someExamples(inputs, positions(inputs).slice(CHOSEN_BY)) }
  })
}

/** Learns networks for the layers 0 to 4, unless the file of that name exists. */
export async function sdtpOnce(context: Context, name: string, open: () => Promise<Learner>): Promise<MethodChoice> {
  const path = learnedPath(`${name}.safetensors`)
  try {
    await access(path)
  } catch {
    await writeWhole(path, learnedBytes(await learnNetworks(context, await open())))
  }
  return { method: 'sdtp', weights: name }
}

/** What the networks of `sdtp` learn of a text encoder, whose own weights do not change. */
async function learnNetworks(context: Context, material: Learner) {
  const { runtime, onProgress } = context
  const { model, training: inputs } = material
  const teacher = await teacherOf(context, material)
  const { learned } = await train({
    runtime,
    model,
    inputs,
    ...settings,
    teacher,
    soft: { method: sdtp(), layers: [0, 1, 2, 3, 4] },
    trains: () => false,
    onProgress({ step, steps, loss }) {
      if (step % 100 === 0) onProgress(`networks: step ${step} of ${steps}, loss ${loss.toFixed(3)}`)
    },
  })
  return learned
}

function positions({ targets }: ModelInputs): number[] {
  return targets.map((_, i) => i)
}

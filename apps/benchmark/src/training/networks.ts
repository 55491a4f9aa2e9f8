import { existsSync } from 'node:fs'
import { learnedBytes } from '@tp/core/host'
import { someExamples } from '@tp/data/inputs'
import { sdtp } from '@tp/method-gradient'
import { train } from '@tp/train'
import { learnedPath, writeWhole } from '../files.ts'
import { openSubject } from '../measure/subject.ts'
import type { MethodChoice } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import type { SectionContext } from '../report/section.ts'
import { teacherOf } from './material.ts'

/**
 * Nothing is learned from labels: what the dense model answers is what there is to learn. The networks are small: a high rate,
 * and every text several times.
 */
const settings = { batchSize: 8, evaluations: 1, distillation: 1, temperature: 1, epochs: 4, methodRate: 2e-3 } as const

/** Calibration reviews that settings are chosen by; what learns, learns from the others. */
export const CHOSEN_BY = 800

/** A file of `reports/learned`. */
const NETWORKS = 'imdb-sdtp'

/**
 * `sdtp` of MiniLM, for any layers but the last; its networks, for layers 0 to 4, learned once from reviews that nothing is chosen
 * by, without labels. The encoder's own weights do not change.
 */
export async function sdtpOfReviews(context: SectionContext): Promise<MethodChoice> {
  const path = learnedPath(`${NETWORKS}.safetensors`)
  if (!existsSync(path)) await writeWhole(path, learnedBytes(await learnNetworks(context)))
  return { method: 'sdtp', weights: NETWORKS }
}

async function learnNetworks(context: SectionContext) {
  const { runtime, onProgress } = context
  const { model, file, inputs: reviews } = await openSubject(context, subjects['minilm-imdb'], 'calibration')
  const inputs = someExamples(reviews, [...reviews.targets.keys()].slice(CHOSEN_BY))
  const teacher = await teacherOf(context, { file, training: inputs })
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

import type { Runtime } from '@tp/core'
import { imageDataset } from '@tp/eval'
import { digitsData, embeddedModel, modelPath } from '@tp/models'
import type { Budget } from '../measure/compare.ts'
import { openSubject, type Subject } from '../measure/subject.ts'

/**
 * Chosen on the calibration split (500 pictures, dense 98.2 %): one cut of the size in the second block loses less
 * than the same FLOPs spread over the blocks (received attention: 0.2 points, against 1.0 with 0.8 in each block but
 * the first), and is cheaper to compute. Random loses 2.4 to 4.2 points there.
 */
export const digitsBudgets: readonly Budget[] = [{ keep: 0.6, layers: [1] }]

export function openDigits(runtime: Runtime): Promise<Subject> {
  const { normalisation } = embeddedModel('digits-vit')
  return openSubject(runtime, {
    name: 'digits-vit',
    path: modelPath('digits-vit'),
    dataset: imageDataset('digits', { channels: 1, height: 28, width: 28 }, digitsData('test')),
    prepare: { normalisation: normalisation && { mean: [normalisation.mean], std: [normalisation.std] } },
  })
}

import type { ModelInputs } from '@tp/eval/inputs'
import type { Subject } from '../measure/subject.ts'
import type { Context } from '../report/section.ts'
import { type Encoder, encoders, openEncoder } from '../vision/encoders.ts'
import { splitOf } from './sst2.ts'

/** fashion-vit: the half of its images that settings are chosen on is learned from, the other one is reported. */
export async function openFashion(
  context: Context,
): Promise<{ readonly test: Subject; readonly training: ModelInputs; readonly selection: ModelInputs }> {
  const found = encoders.find(({ name }) => name === 'fashion-vit') as Encoder
  const test = await openEncoder(context, found, 'test')
  const half = await openEncoder(context, { ...found, calibration: test.lengths.length }, 'calibration')
  return { test, ...splitOf(half.inputs) }
}

import { amountNames } from '@tp/core/host'
import type { TrainedPlan } from '@tp/train'
import { lines } from './lines.ts'

/** The figures of a training. */
export function trainingLines({ selection, flops, plan, settings }: TrainedPlan): string[] {
  const { dense, before, after, finished } = selection
  const isVector = settings.answer === 'embedding'
  const text = (share: number): string => (isVector ? (share / 100).toFixed(3) : `${share.toFixed(1)} %`)
  const first = isVector ? 'cosine to the dense vectors:' : `dense ${text(dense)},`
  const rounded = finished === undefined ? '' : `, in 8 bits ${text(finished)}`
  const amounts = plan && amountNames.flatMap((name) => plan[name] ?? [])
  return lines(
    `selection  ${first} pruned ${text(before)}, trained ${text(after)}${rounded}`,
    flops !== undefined && `FLOPs  ${(100 * flops).toFixed(1)} % of the dense model's on the selection`,
    plan &&
      `tokens are pruned at layers ${plan.layers.join(', ')}: ${amounts?.map((value) => Number(value.toPrecision(3))).join(', ')}`,
  ).split('\n')
}

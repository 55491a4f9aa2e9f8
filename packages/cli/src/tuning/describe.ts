import { layersAt } from '@tp/compiler'
import type { TunedPlan } from '@tp/tune'
import { factor } from '../output/numbers.ts'

export interface PlanFiles {
  readonly model: string
  /** Where the plan was written. */
  readonly out: string
  /** File with trained values, if its method takes some. */
  readonly weights?: string | undefined
}

/** What a plan does, and what can be done with it. */
export function describePlan({ regimes, figures, cascade }: TunedPlan, { model, out, weights }: PlanFiles): string {
  const { loss, grid, maxLoss, examples } = figures
  const last = regimes.at(-1)?.plan
  if (last === undefined || loss === undefined || last.method === 'none') {
    return [
      `${out}  nothing pruned is faster and loses no more than ${maxLoss} points`,
      'dead tokens are removed even so',
    ].join('\n')
  }
  const layers = layersAt(last, '')
  const amounts = [last.keep].flat().map((keep, i) => `${keep} at layer ${layers?.[i]}`)
  const speeds = grid.map(
    ({ batch, tokens, speedup }) => `${batch}${tokens === undefined ? '' : `×${tokens}`} ${factor(speedup)}`,
  )
  const interval = `${loss.low.toFixed(1)} … ${loss.high.toFixed(1)}`
  const [first] = regimes
  const trained = weights === undefined ? '' : ` --weights ${weights}`
  return [
    `${out}  ${last.method}, keep ${amounts.join(', ')}`,
    `loss  ${loss.estimate.toFixed(1)} points (${interval}) on ${examples} examples that nothing was chosen by`,
    ...(cascade === undefined ? [] : [fallbackText(cascade)]),
    `times as fast as dense  ${speeds.join(', ')}`,
    ...(first?.upTo === undefined ? [] : [`runs of up to ${first.upTo} tokens, all rows together, are faster dense`]),
    `next  tp prune ${model} --plan ${out}${trained} -o pruned.onnx`,
    ...(cascade === undefined ? [] : [`then  tp eval pruned.onnx --guard ${out} --against ${model} --data TEST`]),
  ].join('\n')
}

function fallbackText({ threshold, share }: NonNullable<TunedPlan['cascade']>): string {
  const [confident, fallbacks] = [1 - threshold, share].map((part) => `${(100 * part).toFixed(1)} %`)
  return `fallback  to the dense model for answers with a probability below ${confident}: ${fallbacks} of the examples`
}

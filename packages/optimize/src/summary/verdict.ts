import { amountOf, type Demands, type Verdict, verdictOf } from '@tp/compare'
import type { Plan } from '@tp/compiler'
import type { Figures, OptimizedPlan } from '../optimized-plan.ts'

/** The unit of a loss in points. */
export const lossUnits: Readonly<Record<Figures['points'], string>> = {
  accuracy: 'points',
  'nDCG@10': 'points of nDCG@10',
  cosine: 'hundredths of the cosine to the dense vectors',
  Spearman: "points of Spearman's correlation",
  tags: 'points of the F1 of tags',
  labels: 'points of micro-F1 of labels',
  correlation: "points of the correlation with the dense model's numbers",
  WER: 'points of word errors',
}

/**
 * Whether an optimized plan makes its model faster and as accurate as is demanded, by the figures of the search, in one sentence.
 * @param demands default: those of the search, and not slower than the dense model
 * @example
 * const { answer, text } = verdictOfPlan(plan, { minSpeedup: 1.5 })
 */
export function verdictOfPlan({ regimes, figures }: OptimizedPlan, demands: Partial<Demands> = {}): Verdict {
  const { loss, expectedLoss = loss, speedup, examples, grid, points } = figures
  const { maxLoss = figures.maxLoss, confident = figures.confident, minSpeedup } = demands
  const unit = lossUnits[points]
  const [cell] = grid
  const speed = speedup ?? (cell && { estimate: cell.speedup, low: cell.low, high: cell.high })
  if (expectedLoss === undefined || speed === undefined)
    return {
      answer: 'no',
      text: `no: nothing faster loses at most ${amountOf(maxLoss, unit)}; only dead tokens are removed`,
      passed: false,
    }
  const { estimate: value, low, high } = speed
  const last = regimes.at(-1)?.plan
  const same = last === undefined || changesNothing(last)
  return verdictOf(
    {
      // Its interval is drawn from the pairs themselves.
      loss: { unit, interval: expectedLoss, same, ...(points === 'Spearman' && { drawn: examples }) },
      ...{ speedup: { value, low, high }, examples },
    },
    { maxLoss, confident, minSpeedup },
  )
}

/** Whether a plan leaves a model as it is, but for dead tokens. */
export function changesNothing({ method, quantize, leaveOut, pack }: Plan): boolean {
  return method === 'none' && quantize === undefined && leaveOut === undefined && pack === undefined
}

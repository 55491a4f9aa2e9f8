import type { Plan } from '@tp/compiler'
import { expectedLosses } from '@tp/eval/metrics'
import { mean } from 'simple-statistics'
import { inParallel } from '../measure/parallel.ts'
import type { Answers, TestAnswers } from './test-answers.ts'

/** Ratios of schedules that have one at all layers, the fastest first. */
const RATIOS = Array.from({ length: 79 }, (_, i) => (i + 1) / 80)

/** A method with its options. */
type Way = Pick<Plan, 'method' | 'params'>

/**
 * Of each method, with and without a cut in the first layer, the fastest schedule with one ratio at all layers that loses
 * no more than is given on the very examples that are reported: an advantage that a tuned plan does not have.
 */
export async function uniformWithin(
  answers: Pick<TestAnswers, 'of'>,
  {
    layerCount,
    dense,
    loss,
    ways,
  }: { readonly layerCount: number; readonly dense: Answers; readonly loss: number; readonly ways: readonly Way[] },
): Promise<Plan[]> {
  const planOf = ({ method, params }: Way, from: number, ratio: number): Plan => {
    const layers = Array.from({ length: layerCount - 1 - from }, (_, i) => from + i)
    return { format: 1, method, ...(params && { params }), layers, keep: layers.map(() => ratio) }
  }
  const losesMore = async (plan: Plan): Promise<boolean> => expectedLoss(dense, await answers.of(plan)) > loss
  const rows = ways.flatMap((way) => [0, 1].map((from) => RATIOS.map((ratio) => planOf(way, from, ratio))))
  const found = await inParallel(
    rows.map((row) => async () => {
      let [fails, safe] = [-1, row.length]
      while (safe - fails > 1) {
        const middle = Math.floor((fails + safe) / 2)
        if (await losesMore(row[middle] as Plan)) fails = middle
        else safe = middle
      }
      return row[safe]
    }),
  )
  return found.filter((plan) => plan !== undefined)
}

/** Points that turned answers cost by the dense model's own probabilities, mean over examples. */
export function expectedLoss(dense: Answers, pruned: Pick<Answers, 'predictions'>): number {
  return mean(expectedLosses(dense, pruned.predictions))
}

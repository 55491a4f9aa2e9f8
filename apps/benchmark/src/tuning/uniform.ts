import type { Plan } from '@tp/compiler'
import { inParallel } from '../measure/measure.ts'

/** Ratios of schedules that have one at all layers, the fastest first. */
const RATIOS = Array.from({ length: 79 }, (_, i) => (i + 1) / 80)

/** A method with its options. */
type Way = Pick<Plan, 'method' | 'params'>

interface Search {
  readonly layers: number
  readonly ways: readonly Way[]
  /** Whether a plan loses more than is given, on the very examples that are reported: an advantage that a tuned plan does not have. */
  readonly losesMore: (plan: Plan) => Promise<boolean>
}

/**
 * For each method, with and without pruning at the first layer, the fastest schedule with one ratio at all layers that
 * loses no more.
 */
export async function uniformWithin({ layers: count, ways, losesMore }: Search): Promise<Plan[]> {
  const planOf = ({ method, params }: Way, from: number, ratio: number): Plan => {
    const layers = Array.from({ length: count - 1 - from }, (_, i) => from + i)
    return { format: 1, method, ...(params && { params }), layers, keep: layers.map(() => ratio) }
  }
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

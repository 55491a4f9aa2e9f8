import type { Plan } from '@tp/compiler'
import type { Learned, Schedule } from '@tp/core'
import { amountRules } from '@tp/core/host'

/** A plan with the layers of one encoder. */
export interface LearnedPlan extends Plan {
  readonly layers: readonly number[]
}

/**
 * A plan at the amounts of a schedule.
 * @returns undefined where its layers go by different kinds of amounts, which one plan cannot express
 */
export function planAt(plan: Omit<Plan, 'layers'>, schedule: Schedule): LearnedPlan | undefined {
  const amounts = [...schedule].sort(([a], [b]) => a - b)
  const kinds = new Set(amounts.map(([, { kind }]) => kind))
  const [kind] = kinds
  if (kind === undefined || kinds.size > 1) return undefined
  return {
    ...plan,
    layers: amounts.map(([layer]) => layer),
    [amountRules[kind].name]: amounts.map(([, { value }]) => value),
  }
}

/** Learned values, short enough to read: of more than eight numbers their least, mean and most. */
export function learnedSummary(learned: ReadonlyMap<number, Learned>): object[] {
  return [...learned].map(([layer, values]) => ({
    layer,
    ...Object.fromEntries(
      Object.entries(values).map(([name, { dims, data }]) => {
        const numbers = Array.from(data, Number)
        if (numbers.length <= 8) return [name, dims.length === 0 ? numbers[0] : numbers]
        const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length
        const [least, most] = [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))]
        return [name, { dims, least, mean, most }]
      }),
    ),
  }))
}

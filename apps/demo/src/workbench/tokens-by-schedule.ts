import type { Plan } from '@tp/compiler'
import { type Method, type Schedule, schedule } from '@tp/core'
import { keptCount } from '@tp/core/host'
import { findMethod } from './added-methods.ts'

/**
 * Tokens of each layer by the schedule alone; a method that samples may keep fewer.
 * @param count tokens of the input
 * @returns undefined for a method that decides by what it sees, and for layers that the model does not have
 */
export function tokensBySchedule(plan: Plan, layerCount: number, count: number): readonly number[] | undefined {
  const method = findMethod(plan.method)?.create()
  const amounts = scheduleOf(plan, layerCount)
  if (method === undefined || decidesItself(method) || amounts === undefined) return undefined
  let kept = count
  return Array.from({ length: layerCount }, (_, layer) => {
    const amount = amounts.get(layer)
    kept = (amount && keptCount(kept, amount)) ?? kept
    return kept
  })
}

function decidesItself({ unscheduled, adaptive, reduces, returns, before }: Method): boolean {
  return [unscheduled, adaptive, reduces, returns, before].some(Boolean)
}

function scheduleOf({ keep, layers }: Plan, layerCount: number): Schedule | undefined {
  try {
    return schedule(layerCount, { keep, ...(Array.isArray(layers) && { layers }) })
  } catch {
    return undefined
  }
}

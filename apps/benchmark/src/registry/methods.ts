import { readFileSync } from 'node:fs'
import {
  baselines,
  type Method,
  type MethodEntry,
  type Schedule,
  schedule as scheduleOf,
  TpError,
  withValues,
} from '@tp/core'
import { needsValues, paramsOf, readSafetensors } from '@tp/core/host'
import { methods as attention, receivedAttention } from '@tp/method-attention'
import { methods as gradient } from '@tp/method-gradient'
import { methods as hybrid, withMerge } from '@tp/method-hybrid'
import { methods as rl } from '@tp/method-rl'
import { learnedPath } from '../files.ts'
import type { MethodChoice, SettingBudget } from './settings.ts'

/** The methods of all packages. */
export const entries: readonly MethodEntry[] = [...baselines, ...attention, ...hybrid, ...gradient, ...rl]

/** Methods that need neither trained values nor a kind of model: what follows any schedule in any encoder. */
export const scheduledMethods: readonly MethodEntry[] = entries.filter(({ create }) => {
  const method = create()
  return !needsValues(method, [1]) && !method.unscheduled
})

/** Methods made of others. */
const composed: Readonly<Record<string, () => Method>> = {
  'received-attention-merged': () => withMerge(receivedAttention()),
}

/** @throws TpError TP_METHOD for a name that nothing has */
export function entryOf(name: string): MethodEntry {
  const entry = entries.find((one) => one.name === name)
  if (entry === undefined) throw new TpError('TP_METHOD', 'benchmark', `there is no method ${name}`)
  return entry
}

/** @throws TpError TP_METHOD for a name that nothing has */
export function methodOf({ method: name, params, seed, weights }: MethodChoice): Method {
  const made = composed[name]
  if (made !== undefined) return made()
  const method = entryOf(name).create({ ...params, ...(seed !== undefined && { seed }) })
  if (weights === undefined) return method
  const values = readSafetensors(readFileSync(learnedPath(`${weights}.safetensors`)))
  return withValues(method, (layer) => paramsOf(method, values, layer))
}

export function scheduleFor(layers: number, budget: SettingBudget): Schedule {
  return scheduleOf(layers, budget)
}

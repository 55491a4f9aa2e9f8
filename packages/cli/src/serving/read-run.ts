import type { RunPlan } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import { readRunPlan } from '@tp/plans'
import { readPlanJson } from '@tp/plans/files'
import type { Arguments } from '../arguments/option.ts'
import type { runOptions } from '../arguments/run-options.ts'
import { loadMethods } from '../plugins/load-methods.ts'

/** How a model runs, as options of `serve` and `runBulk`. */
export interface RunSettings {
  readonly plan?: RunPlan
  readonly methods?: readonly MethodEntry[]
  readonly guard?: { readonly path: string; readonly dense: string }
}

/** @throws TpError TP_PLAN, TP_FILE_NOT_FOUND */
export async function readRun({ plan, guard, against }: Arguments<typeof runOptions>): Promise<RunSettings> {
  if (guard !== undefined && against !== undefined) return { guard: { path: guard, dense: against } }
  if (plan === undefined) return {}
  const methods = [...(await loadMethods()).values()].map(({ entry }) => entry)
  return { plan: await readPlanOfRuns(plan), methods }
}

/** @throws TpError TP_PLAN, TP_FILE_NOT_FOUND */
export async function readPlanOfRuns(path: string): Promise<RunPlan> {
  return readRunPlan(await readPlanJson(path), path)
}

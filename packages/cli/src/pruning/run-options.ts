import type { RunPlan } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import { readRunPlan } from '@tp/plans'
import type { Arguments } from '../arguments/arguments.ts'
import { loadMethods } from '../plugins/load-methods.ts'
import { readPlanJson } from './read-plan.ts'

/** How `tp serve` and `tp run` run a model: by a plan, or with a guard. */
export const runOptions = {
  plan: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description:
      'a plan (of tp optimize, regimes and cascade included) by which the model, a dense one, is pruned first',
  },
  guard: {
    type: 'string',
    value: 'GUARD',
    reads: 'file',
    description:
      'what tp calibrate or tp optimize --cascade has written: uncertain answers fall back to the model of --against',
    needs: ['against'],
    excludes: ['plan'],
    because: '--guard is of a pruned file, and --plan prunes a dense one',
  },
  against: {
    type: 'string',
    value: 'DENSE',
    reads: 'model',
    description: 'the dense model, with --guard',
    needs: ['guard'],
  },
} as const

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

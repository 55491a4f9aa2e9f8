import { fromPlan } from '@tp/compiler'
import type { Method } from '@tp/core'
import { amountNames } from '@tp/core/host'
import type { Arguments } from '../command/arguments.ts'
import { usageError } from '../command/usage-error.ts'
import { findMethod, loadMethods, type MethodCatalog } from '../plugins/load-methods.ts'
import { formHere } from '../quantizing/form-here.ts'
import {
  AMOUNTS_MISSING,
  type amountOptions,
  amountUnneeded,
  LAYERS_ALONE,
  readAmounts,
  removeByParam,
  saysHowMany,
} from './amounts.ts'
import { type leaveOutOption, readLeaveOut } from './leave-out.ts'
import { type planOption, readPlanFile } from './plan-file.ts'
import { planOf, type pruningOptions, readSettings, readUnplanned, settingsOf } from './plan-options.ts'
import { atTrainedLayers, type PruningSettings, refuseMissingValues, refuseValuesOfLayers } from './request.ts'
import type { AskedPlan } from './schedules.ts'

export const methodOption = {
  method: { type: 'string', value: 'NAME', description: 'how tokens are selected; tp methods lists the methods' },
  // biome-ignore lint/suspicious/noThenProperty: an option, and nobody awaits it
  then: {
    type: 'string',
    value: 'NAME',
    description: 'a method that acts after --method, which is one that needs no amount; short for --method A+B',
  },
} as const

export const quantizeOption = {
  quantize: {
    type: 'boolean',
    description:
      'store the result in 8 bits, as tp quantize does (on x86 without VNNI in 7, which is exact everywhere); with --data and no method where that is faster and loses no more',
  },
} as const

/** The error of a command line that does not say how to prune. */
const METHOD_MISSING = '--method NAME (or --plan FILE) is missing; tp methods lists what there is'

type AskedOptions = typeof methodOption &
  typeof planOption &
  typeof amountOptions &
  typeof pruningOptions &
  typeof leaveOutOption &
  typeof quantizeOption

/** One pruning as a command line asks for it. */
export interface AskedPruning extends AskedPlan {
  readonly method: Method
  readonly settings: PruningSettings
}

/** Whether nothing is asked for about tokens: neither a method nor how many to keep. */
export function asksForNothing(given: Readonly<Record<string, unknown>>): boolean {
  return ['plan', 'method', 'then', 'layers', 'flops', 'param', ...amountNames].every(
    (name) => given[name] === undefined,
  )
}

/** One pruning where a method may learn how many tokens to keep, and where. */
export interface AskedToLearn extends AskedPruning {
  /** It has something to learn, and no trained values are given that it is to work with. */
  readonly learns: boolean
}

/**
 * What is to be pruned, out of the options or of the plan that they name.
 * @throws TpError TP_USAGE, TP_PLAN, TP_FILE_NOT_FOUND, TP_UNKNOWN_METHOD, TP_OPTION, TP_PLUGIN, TP_WEIGHTS
 */
export async function readAsked(asked: Arguments<AskedOptions>): Promise<AskedPruning> {
  return read(asked, false)
}

/** The same for `tp train`: a method that learns needs no amounts. */
export async function readAskedToLearn(asked: Arguments<AskedOptions>): Promise<AskedToLearn> {
  return read(asked, true)
}

async function read(options: Arguments<AskedOptions>, mayLearn: boolean): Promise<AskedToLearn> {
  if (options.plan === undefined && options.regime !== undefined) throw usageError('--regime requires --plan FILE')
  const catalog = await loadMethods(options.plugin)
  const methods = [...catalog.values()].map(({ entry }) => entry)
  const { plan: told, flops } =
    options.plan === undefined
      ? planOfOptions(options, catalog)
      : { plan: await readPlanFile(options.plan, options), flops: undefined }
  // What learns is rounded when it has learned.
  const rounds = options.quantize === true && !mayLearn
  const plan = rounds ? { ...told, quantize: told.quantize ?? (await formHere()) } : told
  const planned = fromPlan(plan, methods)
  const { method } = planned
  const settings = settingsOf(planned, readUnplanned(options))
  if (mayLearn && settings.quantize !== undefined) {
    throw usageError(
      `${options.plan} says quantize, and 8-bit weights cannot be trained; omit it there, and store the result in 8 bits (--quantize)`,
    )
  }
  const learns = mayLearn && method.training !== undefined && settings.weights === undefined
  const hasAmounts = saysHowMany({ amounts: plan, flops })
  if (!learns && !method.unscheduled && !hasAmounts) {
    if (plan.layers !== undefined) throw usageError(LAYERS_ALONE)
    if (plan.method !== 'none') throw usageError(AMOUNTS_MISSING)
  }
  if (!mayLearn && hasAmounts) refuseMissingValues(plan, method, settings.weights)
  if (!learns) await refuseValuesOfLayers(plan, method, settings.weights)
  const where = hasAmounts ? await atTrainedLayers(plan, method, settings.weights) : plan
  return { plan: where, flops, methods, method, settings, learns }
}

/** The plan of a command line that names no file. */
function planOfOptions(options: Arguments<AskedOptions>, catalog: MethodCatalog): Pick<AskedPlan, 'plan' | 'flops'> {
  const { remove, ...others } = removeByParam(options)
  const given = { ...options, ...others, ...(remove && { remove: remove[0] }) }
  const leaveOut = given['leave-out']
  // Who leaves layers out, and says nothing of tokens, prunes none.
  const method = given.method ?? (leaveOut !== undefined && asksForNothing(given) ? 'none' : undefined)
  if (method === undefined) throw usageError(METHOD_MISSING)
  const { params, inPlan } = readSettings(given)
  const entry = findMethod(catalog, given.then === undefined ? method : `${method}+${given.then}`)
  const { amounts, flops } = readAmounts(given)
  if (saysHowMany({ amounts, flops }) && entry.create().unscheduled) throw usageError(amountUnneeded(entry.name))
  const settings = leaveOut === undefined ? inPlan : { ...inPlan, leaveOut: readLeaveOut(leaveOut) }
  return { plan: planOf(entry, params, settings, amounts), flops }
}

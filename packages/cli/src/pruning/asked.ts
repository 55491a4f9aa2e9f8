import type { Inspection } from '@tp/compiler'
import type { Method, Schedule } from '@tp/core'
import type { OptionValue } from '@tp/core/host'
import type { Arguments } from '../command/arguments.ts'
import { usageError } from '../command/usage-error.ts'
import type { ModelFile } from '../model/model-file.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import {
  BUDGET_MISSING,
  type Budget,
  type budgetOptions,
  type Layers,
  layersOf,
  readBudget,
  removeByParam,
  schedulesOf,
} from './budget.ts'
import { type planOption, readPlanFile } from './plan-file.ts'
import { createMethod, type PruningSettings, type pruningOptions, readPruningSettings } from './request.ts'

export const methodOption = {
  method: { type: 'string', value: 'NAME', description: 'which tokens stay; tp methods lists what there is' },
} as const

type AskedOptions = typeof methodOption & typeof planOption & typeof budgetOptions & typeof pruningOptions

/** One pruning as a command line asks for it. */
export interface Asked {
  /** Of the method, as it was asked for. */
  readonly name: string
  readonly method: Method
  /** The method's options that were given. */
  readonly values: Readonly<Record<string, OptionValue>>
  /** Undefined: only what no output reads is left out. */
  readonly budget: Budget | undefined
  readonly settings: PruningSettings
}

/** One pruning where a method may learn how much stays, and where. */
export interface AskedToLearn extends Asked {
  /** It has something to learn, and no trained values are given that it is to work with. */
  readonly learns: boolean
  /** As they were named. */
  readonly layers: Layers
}

/**
 * Method, budget and settings, out of the options or of the plan that they name.
 * @throws TpError TP_USAGE, TP_PLAN, TP_FILE_NOT_FOUND, TP_UNKNOWN_METHOD, TP_OPTION, TP_PLUGIN
 */
export async function readAsked(asked: Arguments<AskedOptions>): Promise<Asked> {
  return read(asked, false)
}

/** The same for `tp train`: a method that learns needs no budget. */
export async function readAskedToLearn(asked: Arguments<AskedOptions>): Promise<AskedToLearn> {
  return read(asked, true)
}

async function read(asked: Arguments<AskedOptions>, mayLearn: boolean): Promise<AskedToLearn> {
  if (asked.plan === undefined && asked.regime !== undefined) throw usageError('--regime needs --plan FILE beside it')
  const given = asked.plan === undefined ? asked : { ...asked, ...(await readPlanFile(asked.plan, asked)) }
  const { remove, ...others } = removeByParam(given)
  const options = { ...given, ...others, ...(remove && { remove: remove[0] }) }
  const { method: name, plugin = [] } = options
  if (name === undefined) throw usageError('--method NAME (or --plan FILE) is missing; tp methods lists what there is')
  const settings = readPruningSettings(options)
  const made = createMethod(findMethod(await loadMethods(plugin), name), settings.params)
  const learns = mayLearn && made.method.training !== undefined && settings.weights === undefined
  const budget = readBudget(options, learns)
  if (budget === undefined && name !== 'none' && !learns) throw usageError(BUDGET_MISSING)
  return { name, budget, settings, ...made, learns, layers: budget?.layers ?? layersOf(options.layers ?? []) }
}

/** By name of the encoder. @throws TpError TP_SCHEDULE, TP_FLOPS, TP_SIZES, TP_USAGE */
export function schedulesFor(
  { budget, method }: Asked,
  { model }: ModelFile,
  encoders: readonly Inspection[],
): ReadonlyMap<string, Schedule> {
  return budget === undefined ? new Map() : schedulesOf(budget, model, encoders, method)
}

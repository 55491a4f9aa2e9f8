import { fromPlan, type Plan } from '@tp/compiler'
import type { Method } from '@tp/core'
import { amountNames } from '@tp/core/host'
import { type FilePlan, planOf, readPlanFile } from '@tp/plans/files'
import type { Arguments } from '../arguments/option.ts'
import type {
  amountOptions,
  leaveOutOption,
  methodOption,
  planOption,
  pruningOptions,
  quantizeOption,
} from '../arguments/pruning-options.ts'
import {
  AMOUNTS_MISSING,
  amountUnneeded,
  LAYERS_ALONE,
  readFlops,
  readWritten,
  saysHowMany,
} from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import { wholeNumber } from '../arguments/values.ts'
import { findMethod, loadMethods, type MethodCatalog } from '../plugins/load-methods.ts'
import { formHere } from '../quantizing/quantize-file.ts'
import { readWeights, requireValues } from './weights.ts'

/** The error of a command line that does not say how to prune. */
const METHOD_MISSING = '--method NAME (or --plan FILE) is missing; tp methods lists what there is'

type PlanArguments = Arguments<
  typeof methodOption &
    typeof planOption &
    typeof amountOptions &
    typeof pruningOptions &
    typeof leaveOutOption &
    typeof quantizeOption
>

/** A plan with its methods and trained values, and the method that is its own. */
export interface ReadPlan extends FilePlan {
  readonly method: Method
  /** The method is to be trained: it has something to learn, and no trained values are there that it is to work with. */
  readonly learns?: boolean
}

/** For what works on all layers of a file. @throws TpError TP_USAGE */
export function refuseLeaveOut({ leaveOut = [], method }: Plan, command: string): void {
  if (leaveOut.length === 0) return
  const seen = `layers are to be left out, and ${command} with ${method} works on all layers of its model`
  throw usageError(`${seen}; give it the file that tp prune --leave-out writes`)
}

/** Whether options say nothing about tokens: neither a method nor how many to keep. */
export function saysNothing(args: Readonly<Record<string, unknown>>): boolean {
  return ['plan', 'method', 'layers', 'flops', 'param', ...amountNames].every((name) => args[name] === undefined)
}

/**
 * The plan of a command line: by its options, or of the file that they name.
 * @param mayLearn for `tp train`: a method that learns needs no amounts
 * @throws TpError TP_USAGE, TP_PLAN, TP_FILE_NOT_FOUND, TP_UNKNOWN_METHOD, TP_OPTION, TP_PLUGIN, TP_WEIGHTS
 */
export async function readPlan(args: PlanArguments, mayLearn = false): Promise<ReadPlan> {
  const catalog = await loadMethods(args.plugin)
  const methods = [...catalog.values()].map(({ entry }) => entry)
  const { quantize, ...written } = readWritten(args)
  const flops = args.flops === undefined ? undefined : readFlops(args.flops)
  const own = await planAsRead(args, written, catalog)
  // A trained model is stored in 8 bits at the end.
  const plan = quantize && !mayLearn ? { ...own, quantize: own.quantize ?? (await formHere()) } : own
  const values = await readWeights(args.weights)
  const { method } = fromPlan(plan, methods)
  const hasAmounts = flops !== undefined || saysHowMany(plan)
  if (mayLearn && plan.quantize !== undefined) {
    throw usageError(
      `${args.plan} says quantize, and 8-bit weights cannot be trained; omit it there, and store the result in 8 bits (--quantize)`,
    )
  }
  const learns = mayLearn && method.training !== undefined && values === undefined
  if (!learns && !method.unscheduled && !hasAmounts) {
    if (plan.layers !== undefined) throw usageError(LAYERS_ALONE)
    if (plan.method !== 'none') throw usageError(AMOUNTS_MISSING)
  }
  // As far as that is known before the model is read.
  if (!mayLearn && hasAmounts) requireValues(method, Array.isArray(plan.layers) ? plan.layers : [0], values)
  if (!learns) fromPlan(plan, methods, values)
  return { plan, methods, method, values, flops, learns }
}

/** The plan that options name or write, but for what has to be known of the method. */
async function planAsRead(args: PlanArguments, written: Partial<Plan>, catalog: MethodCatalog): Promise<Plan> {
  const { outputs, restore } = written
  if (args.plan !== undefined)
    return {
      ...(restore && { restore }),
      ...(await readPlanFile(args.plan, args.regime === undefined ? undefined : wholeNumber('regime', args.regime, 0))),
      ...(outputs !== undefined && { outputs }),
    }
  // Layers alone are left out where no option concerns tokens.
  const method = written.method ?? (written.leaveOut !== undefined && saysNothing(args) ? 'none' : undefined)
  if (method === undefined) throw usageError(METHOD_MISSING)
  const entry = findMethod(catalog, method)
  if ((saysHowMany(written) || args.flops !== undefined) && entry.create().unscheduled)
    throw usageError(amountUnneeded(entry.name))
  return planOf(entry, written)
}

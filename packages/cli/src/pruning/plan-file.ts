import { checkPlan, checkRegimes, hasRegimes, type Plan } from '@tp/compiler'
import { TpError } from '@tp/core'
import { amountNames } from '@tp/core/host'
import { usageError } from '../command/usage-error.ts'
import { LARGEST_JSON, readInputText } from '../files/read-input.ts'
import { wholeNumber } from './numbers.ts'

export const planOption = {
  plan: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description: 'a plan as JSON: format, method, and any of layers, keep, params, …; tp tune writes one',
  },
  regime: {
    type: 'string',
    value: 'N',
    description: 'which regime of a tuned plan, from 0; default: the last one, of the largest runs',
  },
} as const

/** What only the plan or the command line can say. */
const exclusive = [
  ...['method', 'then', 'encoder', 'layers', ...amountNames, 'protect', 'protect-segment', 'separator', 'restore'],
  ...['param', 'flops', 'at', 'leave-out'],
]

/**
 * The plan of a file, or that of one of its regimes.
 * @param given the command line
 * @throws TpError TP_PLAN, TP_FILE_NOT_FOUND, TP_USAGE
 */
export async function readPlanFile(path: string, given: Readonly<Record<string, unknown>>): Promise<Plan> {
  const twice = exclusive.find((name) => given[name] !== undefined)
  if (twice !== undefined)
    throw usageError(`--${twice} is given together with --plan, which says all of it; give one of them`)
  const content = await readPlanJson(path)
  const { regime } = given
  if (!hasRegimes(content)) {
    if (regime !== undefined) throw usageError(`--regime is given, but ${path} is one plan without regimes`)
    return checkPlan(content, path)
  }
  const { regimes } = checkRegimes(content, path)
  const number = regime === undefined ? regimes.length - 1 : wholeNumber('regime', String(regime), 0)
  const chosen = regimes[number]
  if (chosen === undefined)
    throw usageError(`--regime is ${number}, but ${path} has regimes 0 to ${regimes.length - 1}`)
  return chosen.plan
}

/** What is in a plan's file. @throws TpError TP_PLAN, TP_FILE_NOT_FOUND */
export async function readPlanJson(path: string): Promise<unknown> {
  const text = await readInputText(path, {
    code: 'TP_FILE_NOT_FOUND',
    advice: 'give the path of a plan',
    most: LARGEST_JSON,
  })
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TpError('TP_PLAN', path, `invalid JSON: ${(cause as Error).message}`, { cause })
  }
}

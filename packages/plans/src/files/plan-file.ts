import { checkPlan, checkRegimes, hasRegimes, type Plan } from '@tp/compiler'
import { TpError } from '@tp/core'
import { LARGEST_JSON, readInputText } from '@tp/data/files'

/**
 * The plan of a file, or that of one of its regimes.
 * @param regime its number; default: the last one, of the largest runs
 * @throws TpError TP_PLAN, TP_FILE_NOT_FOUND
 * @example
 * const plan = await readPlanFile('plan.json')
 */
export async function readPlanFile(path: string, regime?: number): Promise<Plan> {
  const content = await readPlanJson(path)
  if (!hasRegimes(content)) {
    if (regime !== undefined) throw new TpError('TP_PLAN', path, 'it is one plan without regimes; omit the regime')
    return checkPlan(content, path)
  }
  const { regimes } = checkRegimes(content, path)
  const number = regime ?? regimes.length - 1
  const chosen = regimes[number]
  if (chosen === undefined)
    throw new TpError('TP_PLAN', path, `regime is ${number}, but it has regimes 0 to ${regimes.length - 1}`)
  return chosen.plan
}

/** The parsed content of a plan's file, unchecked. @throws TpError TP_PLAN for invalid JSON, TP_FILE_NOT_FOUND */
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

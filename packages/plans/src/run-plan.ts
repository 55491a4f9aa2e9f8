import { checkPlan, checkRegimes, hasRegimes, type RunPlan } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type Guard, readGuard } from '@tp/guard'

/** When answers of a pruned model fall back to the dense one. */
export type GuardRule = Pick<Guard['cascade'], 'uncertainty' | 'threshold' | 'answerForm'>

/** The guard of a pruned model: all of a guard file, or the cascade of a plan that was tuned with `cascade`. */
export interface Guarding {
  readonly cascade: GuardRule
  readonly monitor?: Guard['monitor']
}

/** A model's file, by its SHA-256. */
export interface HashedFile {
  readonly path: string
  readonly hash: string
}

/**
 * A plan that was read from a file, tuned or written by hand.
 * @param value the parsed JSON
 * @param where the file, for errors
 * @throws TpError TP_PLAN if it is not one
 */
export function readRunPlan(value: unknown, where: string): RunPlan {
  if (!hasRegimes(value)) return { format: 1, regimes: [{ plan: checkPlan(value, where) }] }
  const { regimes, cascade } = checkRegimes(value, where)
  return { format: 1, regimes, ...(cascade && { cascade: ruleOf(cascade) }) }
}

/**
 * Reads the guard of a pruned model from a file of `tp calibrate` or `tp optimize --cascade`.
 * @param text JSON
 * @param where the file, for errors
 * @throws TpError TP_GUARD for text that is not a guard, or one of other models; TP_PLAN for a plan without a cascade
 */
export function readGuarding(
  text: string,
  where: string,
  { pruned, dense }: { readonly pruned: HashedFile; readonly dense: HashedFile },
): Guarding {
  const content = parsed(text)
  if (hasRegimes(content)) {
    const { cascade } = checkRegimes(content, where)
    if (cascade !== undefined) return { cascade: ruleOf(cascade) }
    throw new TpError('TP_PLAN', where, 'this plan has no cascade; tp optimize --cascade writes one')
  }
  const guard = readGuard(content, where)
  const { models } = guard
  const other = [pruned, dense].find((file, i) => models && [models.pruned, models.dense][i] !== file.hash)
  if (other === undefined) return guard
  const advice = 'its promise holds only for those files; calibrate it for these'
  throw new TpError('TP_GUARD', where, `it was calibrated for another file than ${other.path}; ${advice}`)
}

/** The rule alone; a tuned plan also has what was measured. */
function ruleOf<Rule extends GuardRule>({ uncertainty, threshold, answerForm }: Rule): Pick<Rule, keyof GuardRule> {
  return { uncertainty, threshold, ...(answerForm && { answerForm }) }
}

/** Parsed JSON; other text unchanged, which `readGuard` refuses. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

import { TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import { type AnswerForm, answerForms } from '@tp/core/runtime'
import {
  exactOptional,
  type GenericSchema,
  is,
  literal,
  maxValue,
  minValue,
  number,
  object,
  picklist,
  pipe,
} from 'valibot'
import { problemOf } from './field.ts'
import { type Plan, planFields } from './plan.ts'

/** Plans by the size of a run, as `@tp/optimize` writes them: smaller runs may be faster dense. */
export interface RunPlan {
  readonly format: 1
  /** Upwards; the last one has no limit. */
  readonly regimes: readonly Regime[]
  /** Fallback to the dense model, for runs of the last regime. */
  readonly cascade?: FallbackRule
}

export interface Regime {
  /** Most positions of a run: examples times tokens of each, padding included. */
  readonly upTo?: number
  readonly plan: Plan
}

/** When answers of a pruned model fall back to the dense one: options of `cascade` of `@tp/guard`. */
export interface FallbackRule {
  readonly uncertainty: 'probability'
  /** Answers of at least this uncertainty fall back. */
  readonly threshold: number
  /** The form of the answers; default: logits. */
  readonly answerForm?: AnswerForm
}

export const fallbackRule: GenericSchema<unknown, FallbackRule> = object({
  uncertainty: literal('probability'),
  threshold: pipe(number(), minValue(0), maxValue(1)),
  answerForm: exactOptional(picklist(answerForms)),
})

/**
 * A plan that was read from a file.
 * @param where the file, for errors
 * @throws TpError TP_PLAN if it is not one
 */
export function checkPlan(value: unknown, where: string): Plan {
  if (!isRecord(value)) throw problem(where, 'this is not a plan; it must be an object with format and method')
  for (const name of ['format', 'method'] as const) {
    if (value[name] === undefined) throw problem(where, `${name} is missing; it must be ${planFields[name].form}`)
  }
  const found = problemOf(value, planFields, (name, known) => `a plan has no field ${name}; it may have ${known}`)
  if (found !== undefined) throw problem(where, found.message)
  return value as unknown as Plan
}

/** Whether a value that was read from a file is a plan with regimes. */
export function hasRegimes(value: unknown): boolean {
  return isRecord(value) && value.regimes !== undefined
}

/**
 * A plan with regimes that was read from a file; other fields than regimes and cascade are not checked.
 * @throws TpError TP_PLAN if it is not one
 */
export function checkRegimes(value: unknown, where: string): RunPlan {
  if (!isRecord(value) || value.format !== 1 || !Array.isArray(value.regimes) || value.regimes.length === 0) {
    throw problem(where, 'this is not a plan with regimes; it must be an object with format 1 and a list of regimes')
  }
  const regimes: readonly unknown[] = value.regimes
  const last = regimes.length - 1
  let before = 0
  for (const [i, regime] of regimes.entries()) {
    const { upTo, plan } = isRecord(regime) ? regime : {}
    checkPlan(plan, `${where}, regime ${i}`)
    if (i === last ? upTo !== undefined : !(Number.isInteger(upTo) && (upTo as number) > before)) {
      const form = i === last ? 'the last one has no limit' : `it must be a whole number above ${before}`
      throw problem(where, `upTo of regime ${i} is ${shown(upTo)}; ${form}`)
    }
    before = upTo as number
  }
  if (value.cascade !== undefined && !is(fallbackRule, value.cascade)) {
    throw problem(where, 'its cascade is invalid; it must have the uncertainty probability and a threshold in 0…1')
  }
  return value as unknown as RunPlan
}

function problem(where: string, message: string): TpError {
  return new TpError('TP_PLAN', where, message)
}

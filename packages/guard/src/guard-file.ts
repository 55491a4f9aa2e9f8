import { TpError } from '@tp/core'
import { uncertainties } from './answer.ts'
import type { Baseline } from './baseline.ts'
import type { CalibratedCascade } from './calibrate-cascade.ts'
import type { MeasuredFalseAlarms } from './false-alarms.ts'
import { signals } from './signals.ts'

/** What `cascade` and `monitor` need for one pruned model, as one JSON document. */
export interface Guard {
  readonly format: 1
  /** SHA-256 of the model files that it was calibrated for. */
  readonly models?: { readonly pruned: string; readonly dense: string }
  readonly cascade: CalibratedCascade
  readonly monitor: Baseline & { readonly falseAlarms?: MeasuredFalseAlarms }
}

type Check = readonly [is: (value: unknown) => boolean, form: string]

const share: Check = [(value) => isNumber(value) && (value as number) >= 0 && (value as number) <= 1, 'a number in 0…1']
const count: Check = [(value) => Number.isInteger(value) && (value as number) >= 0, 'a number of examples']

const cascadeFields: Readonly<Record<Exclude<keyof CalibratedCascade, 'cost'>, Check>> = {
  uncertainty: [(value) => uncertainties.includes(value as never), uncertainties.join(', ')],
  threshold: [(value) => value === null || isNumber(value), 'a number, or null'],
  agreement: share,
  confidence: [(value) => value === 'mean' || share[0](value), 'a number in 0…1, or "mean"'],
  examples: count,
  disagreements: count,
  remaining: count,
  share: [
    (value) => isRecord(value) && ['estimate', 'low', 'high'].every((name) => share[0](value[name])),
    'an estimate',
  ],
}

/**
 * A guard that was read from a file.
 * @param value the parsed JSON, or its text
 * @param where the file, for errors
 * @throws TpError TP_GUARD if it is none
 */
export function readGuard(value: unknown, where: string): Guard {
  const guard = typeof value === 'string' ? parse(value, where) : value
  if (!isRecord(guard)) throw problem(where, 'this is no guard; it must be an object with format, cascade and monitor')
  if (guard.format !== 1) throw problem(where, `format is ${text(guard.format)}; this version reads 1`)
  const { cascade, monitor, models } = guard
  const isHashes = isRecord(models) && ['pruned', 'dense'].every((name) => typeof models[name] === 'string')
  if (models !== undefined && !isHashes) throw problem(where, 'models must be the SHA-256 of pruned and dense')
  if (!isRecord(cascade)) throw problem(where, 'cascade is missing; tp calibrate writes it')
  for (const [name, [is, form]] of Object.entries(cascadeFields)) {
    if (!is(cascade[name])) throw problem(where, `cascade.${name} is ${text(cascade[name])}; it must be ${form}`)
  }
  if (!isRecord(monitor) || !isRecord(monitor.signals))
    throw problem(where, 'monitor.signals is missing; tp calibrate writes it')
  for (const [name, values] of Object.entries(monitor.signals)) {
    if (!signals.includes(name as never)) {
      throw problem(where, `monitor.signals has ${name}; there are ${signals.join(', ')}`)
    }
    if (!Array.isArray(values) || !values.every(isNumber)) {
      throw problem(where, `monitor.signals.${name} must be a list of numbers`)
    }
  }
  return guard as unknown as Guard
}

function parse(json: string, where: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new TpError('TP_GUARD', where, `this is no JSON: ${(cause as Error).message}`, { cause })
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value)
}

function problem(where: string, message: string): TpError {
  return new TpError('TP_GUARD', where, message)
}

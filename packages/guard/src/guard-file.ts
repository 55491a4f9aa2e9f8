import { TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
import { answerForms } from '@tp/core/runtime'
import { uncertainties } from './answer.ts'
import { type Baseline, FEWEST } from './baseline.ts'
import type { CalibratedCascade } from './calibrate-cascade.ts'
import type { MeasuredFalseAlarms } from './false-alarms.ts'
import { signals } from './signals.ts'

/** The data of `cascade` and `monitor` for one pruned model, as one JSON document. */
export interface Guard {
  readonly format: 1
  /** SHA-256 of the model files that it was calibrated for. */
  readonly models?: { readonly pruned: string; readonly dense: string }
  readonly cascade: CalibratedCascade
  readonly monitor: Baseline & { readonly falseAlarms?: MeasuredFalseAlarms }
}

interface GuardCheck {
  readonly is: (value: unknown) => boolean
  /** The form of a valid value, in words. */
  readonly form: string
  readonly optional?: boolean
}

/** The required form of each field of an object; other fields are invalid. */
type Form = Readonly<Record<string, GuardCheck>>

const number = (form: string, is: (value: number) => boolean): GuardCheck => ({
  is: (value) => isNumber(value) && is(value),
  form,
})
const share = number('a number in 0…1', (value) => value >= 0 && value <= 1)
const part = number('a number above 0 and below 1', (value) => value > 0 && value < 1)
const count = number('a number of examples', (value) => Number.isInteger(value) && value >= 0)
const positive = number('a number above 0', (value) => value > 0)
const amount = number('a number from 0 on', (value) => value >= 0)
const record: GuardCheck = { is: isRecord, form: 'an object' }
const hash: GuardCheck = { is: (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value), form: 'a SHA-256' }

const guardForm: Form = {
  format: { is: (value) => value === 1, form: '1, which is what this version reads' },
  models: { ...record, optional: true },
  cascade: { is: isRecord, form: 'an object; tp calibrate writes it' },
  monitor: { is: isRecord, form: 'an object; tp calibrate writes it' },
}

const cascadeForm: Form = {
  uncertainty: { is: (value) => uncertainties.includes(value as never), form: uncertainties.join(', ') },
  answerForm: { is: (value) => answerForms.includes(value as never), form: answerForms.join(', '), optional: true },
  threshold: { is: (value) => value === null || isNumber(value), form: 'a number, or null' },
  agreement: part,
  confidence: { is: (value) => value === 'mean' || part.is(value), form: 'a number above 0 and below 1, or "mean"' },
  examples: number('a number of examples, 1 or more', (value) => Number.isInteger(value) && value >= 1),
  disagreements: count,
  remaining: count,
  share: record,
  cost: { ...record, optional: true },
}

const estimateForm: Form = { estimate: share, low: share, high: share }
const costForm: Form = { speedup: positive, estimate: amount, low: amount, high: amount }
const monitorForm: Form = {
  signals: { is: isRecord, form: 'an object; tp calibrate writes it' },
  falseAlarms: { ...record, optional: true },
}
const falseAlarmsForm: Form = { falseAlarmRate: part, inputs: count, streams: count, alarms: count }

/** The range of an uncertainty: thresholds outside it let every input fall back, or none. */
const possible: Readonly<Record<CalibratedCascade['uncertainty'], GuardCheck>> = {
  probability: share,
  margin: number('0 or less', (value) => value <= 0),
  // ln of the number of classes, at most.
  entropy: number('a number in 0…100', (value) => value >= 0 && value <= 100),
}

/**
 * A guard that was read from a file.
 * @param value the parsed JSON, or its text
 * @param where the file, for errors
 * @throws TpError TP_GUARD if it is not a guard, with the invalid field
 */
export function readGuard(value: unknown, where: string): Guard {
  const guard = typeof value === 'string' ? parse(value, where) : value
  if (!isRecord(guard))
    throw problem(where, 'this is not a guard; it must be an object with format, cascade and monitor')
  check(guard, guardForm, '', where)
  const { models, cascade, monitor } = guard as { [name in keyof Guard]: Record<string, unknown> }
  if (models !== undefined) check(models, { pruned: hash, dense: hash }, 'models.', where)
  checkCascade(cascade as Record<string, unknown>, where)
  check(monitor as Record<string, unknown>, monitorForm, 'monitor.', where)
  checkSignals((monitor as Record<string, unknown>).signals as Record<string, unknown>, where)
  const { falseAlarms } = monitor as { falseAlarms?: Record<string, unknown> }
  if (falseAlarms !== undefined) check(falseAlarms, falseAlarmsForm, 'monitor.falseAlarms.', where)
  return guard as unknown as Guard
}

function checkCascade(cascade: Record<string, unknown>, where: string): void {
  check(cascade, cascadeForm, 'cascade.', where)
  check(cascade.share as Record<string, unknown>, estimateForm, 'cascade.share.', where)
  if (cascade.cost !== undefined) check(cascade.cost as Record<string, unknown>, costForm, 'cascade.cost.', where)
  const { uncertainty, threshold, examples, disagreements, remaining } = cascade as unknown as CalibratedCascade
  const { is, form } = possible[uncertainty]
  if (threshold !== null && !is(threshold)) {
    throw problem(where, `cascade.threshold is ${threshold}; for ${uncertainty} it must be ${form}`)
  }
  if (remaining > disagreements || disagreements > examples) {
    const seen = `${remaining} of ${disagreements} disagreements remain among ${examples} examples`
    throw problem(where, `cascade says that ${seen}; that cannot be`)
  }
}

function checkSignals(found: Record<string, unknown>, where: string): void {
  const names = Object.keys(found)
  const unknown = names.find((name) => !signals.includes(name as never))
  if (unknown !== undefined) throw problem(where, `monitor.signals has ${unknown}; there are ${signals.join(', ')}`)
  if (!Object.hasOwn(found, 'margin')) throw problem(where, 'monitor.signals.margin is missing; tp calibrate writes it')
  const length = Array.isArray(found.margin) ? found.margin.length : 0
  for (const [name, values] of Object.entries(found)) {
    if (!Array.isArray(values) || !values.every(isNumber)) {
      throw problem(where, `monitor.signals.${name} must be a list of numbers`)
    }
    if (values.length < FEWEST) {
      throw problem(where, `monitor.signals.${name} has ${values.length} values; a monitor needs ${FEWEST} or more`)
    }
    if (values.length !== length) {
      throw problem(
        where,
        `monitor.signals.${name} has ${values.length} values, margin ${length}; they are of the same inputs`,
      )
    }
  }
}

/** @param path of the object in the document, as `cascade.` */
function check(found: Record<string, unknown>, form: Form, path: string, where: string): void {
  for (const [name, { is, form: expected, optional = false }] of Object.entries(form)) {
    const value = Object.hasOwn(found, name) ? found[name] : undefined
    if (value === undefined && optional) continue
    if (!is(value)) throw problem(where, `${path}${name} is ${text(value)}; it must be ${expected}`)
  }
  const unknown = Object.keys(found).find((name) => !Object.hasOwn(form, name))
  if (unknown === undefined) return
  throw problem(where, `${path}${unknown} is unknown; there are ${Object.keys(form).join(', ')}`)
}

function parse(json: string, where: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new TpError('TP_GUARD', where, `invalid JSON: ${(cause as Error).message}`, { cause })
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** Long values are cut: a file may hold anything. */
function text(value: unknown): string {
  if (value === undefined) return 'missing'
  const whole = JSON.stringify(value)
  return whole.length <= 60 ? whole : `${whole.slice(0, 60)}…`
}

function problem(where: string, message: string): TpError {
  return new TpError('TP_GUARD', where, message)
}

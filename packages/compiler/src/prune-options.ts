import { type Method, TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import type { PruneOptions } from './prune.ts'

type Check = readonly [is: (value: unknown) => boolean, form: string, code: `TP_${string}`]

const flag: Check = [(value) => typeof value === 'boolean', 'true or false', 'TP_OPTION']
const names: Check = [
  (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  'a list of names of outputs',
  'TP_OUTPUT',
]

/** What an option must be if it is given; what depends on the model is looked at where the model is. */
const checks: Readonly<Record<Exclude<keyof PruneOptions, 'method' | 'schedule'>, Check>> = {
  encoder: [(value) => typeof value === 'string', 'the name of an encoder', 'TP_TOWER'],
  protect: [(value) => value === 'auto' || Array.isArray(value), '"auto" or a list of positions', 'TP_PROTECT'],
  protectInput: flag,
  restore: [(value) => ['auto', 'none', 'all'].includes(value as string), '"auto", "none" or "all"', 'TP_OPTION'],
  outputs: names,
  trace: [(value) => typeof value === 'boolean' || value === 'scores', 'true, false or "scores"', 'TP_OPTION'],
  monitor: flag,
  deadTokens: flag,
  params: [(value) => typeof value === 'function', 'a function of the layer', 'TP_OPTION'],
  // It is written into every file that is made; a hash has 64 characters.
  source: [
    (value) => typeof value === 'string' && value.length <= 128,
    'a hash of at most 128 characters',
    'TP_OPTION',
  ],
}

/**
 * Options of `prune` as they come from anywhere: a program without types, a page, a plugin. The schedule is checked against the
 * model, by `checkSchedule`.
 * @throws TpError TP_OPTION, TP_METHOD, TP_TOWER, TP_PROTECT, TP_OUTPUT
 */
export function checkPruneOptions(options: unknown): asserts options is PruneOptions {
  if (!isRecord(options))
    throw new TpError('TP_OPTION', 'compiler', 'there are no options; give a method and a schedule')
  checkMethod(options.method)
  for (const [name, [is, form, code]] of Object.entries(checks)) {
    const value = options[name]
    if (value === undefined || is(value)) continue
    throw new TpError(code, 'compiler', `${name} is ${shown(value)}; it must be ${form}`)
  }
}

/** @throws TpError TP_METHOD for what is not made like a method */
export function checkMethod(method: unknown): asserts method is Method {
  if (!isRecord(method)) throw noMethod(`it is ${shown(method)}`)
  const { name, reduce, place } = method
  if (typeof name !== 'string' || name === '') throw noMethod('it has no name')
  if (typeof reduce !== 'function') throw noMethod(`${name} has no function reduce`)
  if (![undefined, 'attention', 'input'].includes(place as string)) {
    throw noMethod(`${name} works at ${shown(place)}, and there are "attention" and "input"`)
  }
}

function noMethod(seen: string): TpError {
  const advice = 'give what a factory such as receivedAttention() returns'
  return new TpError('TP_METHOD', 'compiler', `the method is none: ${seen}; ${advice}`)
}

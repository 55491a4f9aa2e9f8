import { type Method, type Schedule, TpError, type Values } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import { boolean, custom, literal, maxLength, pipe, string, union } from 'valibot'
import { type FieldsOf, flag } from '../plan/field.ts'
import { type Plan, type PlannedOption, plannedOptions } from '../plan/plan.ts'
import { demand, requireOptions } from '../plan/require-options.ts'

export interface PruneOptions extends Pick<Plan, PlannedOption> {
  readonly method: Method
  /** At which layers tokens are pruned, and how many; a function where a file with several encoders needs one for each. */
  readonly schedule: Schedule | ((encoder: NamedEncoder) => Schedule)
  /**
   * Adds outputs `tp.trace.<layer>.indices` (int64 [b,k], original positions) and `.valid` (bool [b,k]). `scores`: also
   * `.scores` (float32 [b,n], of the tokens that arrive, in their order there), what the schedule's rule was applied to;
   * there is none at a layer where a method chooses by no score (samples, or asks a network for yes or no).
   */
  readonly trace?: boolean | 'scores'
  /**
   * Adds outputs float32 [b] to watch for drift (`monitor` of `@tp/guard`): `tp.monitor.mass`, the share of the score that the
   * kept tokens hold, averaged over the cuts, for methods whose scores are not negative; and `tp.monitor.kept`, the share
   * of the tokens that is kept, where the data decide it.
   */
  readonly monitor?: boolean
  /** Also eliminates, exactly, what no output reads. Default true. */
  readonly deadTokens?: boolean
  /** Trained values of the method at each layer. */
  readonly params?: (layer: number) => Values
  /** SHA-256 of the file, for the record that the pruned file keeps. */
  readonly source?: string
}

/** One encoder of a file. */
export interface NamedEncoder {
  /** The first input of the model that it reads. */
  readonly name: string
  readonly layerCount: number
  /** The first layer that may be pruned: those before it were pruned already. */
  readonly open: number
  /** Names of all encoders of the file that can be pruned, where that is known. */
  readonly among?: readonly string[]
}

/** The options where they are left out; `outputs` are all then, and no trained values are needed. */
export const PRUNE_DEFAULTS: Required<Pick<PruneOptions, 'protect' | 'restore' | 'trace' | 'monitor' | 'deadTokens'>> =
  {
    protect: 'auto',
    restore: 'auto',
    trace: false,
    monitor: false,
    deadTokens: true,
  }

/** Checks of options by themselves; those that depend on the model are made where the model is. */
const fields: FieldsOf<Omit<PruneOptions, 'method' | 'schedule'>> = {
  ...plannedOptions,
  trace: {
    schema: union([boolean(), literal('scores')]),
    form: 'true, false or "scores"',
    code: 'TP_OPTION',
    default: PRUNE_DEFAULTS.trace,
    description: 'outputs that say which tokens were kept, and by which scores',
  },
  monitor: { ...flag, default: PRUNE_DEFAULTS.monitor, description: 'outputs to watch for drift' },
  deadTokens: {
    ...flag,
    default: PRUNE_DEFAULTS.deadTokens,
    description: 'eliminate tokens that no output reads, which is exact',
  },
  params: {
    schema: custom<(layer: number) => Values>((value) => typeof value === 'function'),
    form: 'a function of the layer',
    code: 'TP_OPTION',
    description: 'trained values of the method at each layer',
  },
  // It is written into every file that is made; a hash has 64 characters.
  source: {
    schema: pipe(string(), maxLength(128)),
    form: 'a hash of at most 128 characters',
    code: 'TP_OPTION',
    description: 'SHA-256 of the file, for the record that the pruned file keeps',
  },
}

/**
 * Options of `prune` as they come from anywhere: a program without types, a page, a plugin. The schedule is checked against the
 * model, by `checkSchedule`.
 * @throws TpError TP_OPTION, TP_METHOD, TP_ENCODER, TP_PROTECT, TP_OUTPUT
 */
export function checkPruneOptions(options: unknown): asserts options is PruneOptions {
  const values = requireOptions(options, ['method', 'schedule', ...Object.keys(fields)])
  checkMethod(values.method)
  for (const [name, field] of Object.entries(fields)) if (values[name] !== undefined) demand(name, values[name], field)
}

/** @throws TpError TP_METHOD for what is not made like a method */
export function checkMethod(method: unknown): asserts method is Method {
  if (!isRecord(method)) throw noMethod(`it is ${shown(method)}`)
  const { name, reduce, site } = method
  if (typeof name !== 'string' || name === '') throw noMethod('it has no name')
  if (typeof reduce !== 'function') throw noMethod(`${name} has no function reduce`)
  if (![undefined, 'attention', 'input'].includes(site as string)) {
    throw noMethod(`${name} works at ${shown(site)}, and there are "attention" and "input"`)
  }
}

function noMethod(seen: string): TpError {
  const advice = 'pass the result of a factory such as receivedAttention()'
  return new TpError('TP_METHOD', 'compiler', `this is not a method: ${seen}; ${advice}`)
}

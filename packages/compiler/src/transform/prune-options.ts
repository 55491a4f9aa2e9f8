import { type Method, type Schedule, TpError, type Values } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import type { QuantizeOptions } from '../quantize/quantize-options.ts'

export interface PruneOptions {
  readonly method: Method
  /** At which layers tokens are pruned, and how many; a function where a file with several encoders needs one for each. */
  readonly schedule: Schedule | ((encoder: NamedEncoder) => Schedule)
  /**
   * Name of the encoder to prune in a file that holds several (see `inspect`); default: every one that can be pruned.
   */
  readonly encoder?: string
  /** Tokens that are always kept, as indices among an example's real ones: those found by data flow (`auto`, the default), or these. */
  readonly protect?: 'auto' | readonly number[]
  /**
   * A segment that is always kept as a whole, for pairs of texts: 0 is the first text with the class token and the separator
   * after it, as `token_type_ids` number them. A rule that would keep fewer tokens keeps these alone.
   */
  readonly protectSegment?: number
  /**
   * The token that ends a segment, by its id: for `protectSegment` in a model that has no input of segment numbers. Several in
   * a row end one segment together.
   */
  readonly separator?: number
  /**
   * Adds an input `tp.protect` (int64 [b,1]): a position in each row, padding included, whose token is kept, in addition to the protected ones.
   * With it one model shows for every token what keeping it would change.
   */
  readonly protectInput?: boolean
  /**
   * Whether removed tokens are restored. `auto` (the default): where outputs need it, and as they need it. Frames and patches come
   * back as the nearest kept token (`nearest`): a decoder, or a head for each of them, reads each as often as its neighborhood is
   * long. Of texts, an output of token states, which are pooled outside if at all, has the mean of the kept tokens in the other
   * rows, so that a mean over all rows by the model's own mask is that of the kept tokens, each counted as often as tokens were
   * merged into it; a head that is in the file sees the kept tokens. Where a head answers for each token of a text, each has the
   * state that it had when it was removed. A method that says what removed tokens would have become (`completes`) restores them with that, for pooling heads, too.
   * `nearest`: a removed token has the state of the kept one that is nearest in position, of a token that stands for no part of the
   * input (class, distillation and register tokens, the first one of a text that is pooled outside) only where no other is kept; other protected tokens are neighbors like any; at the outputs if these are token states, else upstream of the final norm and of any head.
   * `all`: every token has the state that it had, upstream of the final norm and of any head, pooling ones too. `none`: never. With
   * `none` outputs of one row for every token have one for every kept token, and two outputs int64 [b,k] say what these rows are:
   * `tp.mask` which are real tokens (1), what a decoder that reads them takes as its encoder's attention mask, and `tp.positions`
   * the position of each in the model's input.
   */
  readonly restore?: 'auto' | 'nearest' | 'none' | 'all'
  /** Names of the outputs to keep; the others are removed with all that only they need. Default: all. */
  readonly outputs?: readonly string[]
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
  /**
   * Layers to leave out before tokens are pruned, as `leaveOutLayers` does: from 0, in the file's own numbering. Those that remain are
   * numbered from 0 again, and the schedule is about these. In a file of several encoders `encoder` names the one that is meant.
   */
  readonly leaveOut?: readonly number[]
  /** Stores the weights of the pruned model in 8 bits, as `quantize` does with these options (`{}`: the defaults). */
  readonly quantize?: QuantizeOptions
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

type Check = readonly [is: (value: unknown) => boolean, form: string, code: `TP_${string}`]

/** Whether a value says how removed tokens are restored. */
export const isRestore = (value: unknown): value is NonNullable<PruneOptions['restore']> =>
  ['auto', 'nearest', 'none', 'all'].includes(value as string)

const isIndex = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0

const flag: Check = [(value) => typeof value === 'boolean', 'true or false', 'TP_OPTION']
const names: Check = [
  (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  'a list of names of outputs',
  'TP_OUTPUT',
]

/** `Array.from`: `every` would pass over holes. */
const layerList: Check = [
  (value) => Array.isArray(value) && Array.from(value).every(isIndex),
  'a list of numbers of layers, from 0',
  'TP_LAYERS',
]
const encoderName: Check = [(value) => typeof value === 'string', 'the name of an encoder', 'TP_ENCODER']

/** What an option must be if it is given; what depends on the model is looked at where the model is. */
const checks: Readonly<Record<Exclude<keyof PruneOptions, 'method' | 'schedule'>, Check>> = {
  encoder: encoderName,
  protect: [(value) => value === 'auto' || Array.isArray(value), '"auto" or a list of positions', 'TP_PROTECT'],
  protectSegment: [(value) => isIndex(value), 'the number of a segment, from 0', 'TP_PROTECT'],
  separator: [(value) => isIndex(value), 'the id of a token', 'TP_PROTECT'],
  protectInput: flag,
  restore: [(value) => isRestore(value), '"auto", "nearest", "none" or "all"', 'TP_OPTION'],
  outputs: names,
  trace: [(value) => typeof value === 'boolean' || value === 'scores', 'true, false or "scores"', 'TP_OPTION'],
  monitor: flag,
  deadTokens: flag,
  leaveOut: layerList,
  quantize: [isRecord, 'an object, the options of quantize; {} for the defaults', 'TP_OPTION'],
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
 * @throws TpError TP_OPTION, TP_METHOD, TP_ENCODER, TP_PROTECT, TP_OUTPUT, TP_LAYERS
 */
export function checkPruneOptions(options: unknown): asserts options is PruneOptions {
  if (!isRecord(options))
    throw new TpError('TP_OPTION', 'compiler', 'there are no options; give a method and a schedule')
  checkMethod(options.method)
  for (const [name, check] of Object.entries(checks))
    if (options[name] !== undefined) demand(name, options[name], check)
}

/**
 * The same for `leaveOutLayers`.
 * @throws TpError TP_LAYERS, TP_OPTION, TP_ENCODER
 */
export function checkLeaveOut(layers: unknown, options: unknown): void {
  demand('layers', layers, layerList)
  if (!isRecord(options)) {
    throw new TpError('TP_OPTION', 'compiler', `the options are ${shown(options)}; they must be an object`)
  }
  const unknown = Object.keys(options).find((name) => name !== 'encoder')
  if (unknown !== undefined) {
    throw new TpError('TP_OPTION', 'compiler', `there is no option ${unknown.slice(0, 40)}; there is encoder`)
  }
  if (options.encoder !== undefined) demand('encoder', options.encoder, encoderName)
}

function demand(name: string, value: unknown, [is, form, code]: Check): void {
  if (!is(value)) throw new TpError(code, 'compiler', `${name} is ${shown(value)}; it must be ${form}`)
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
  const advice = 'give what a factory such as receivedAttention() returns'
  return new TpError('TP_METHOD', 'compiler', `this is not a method: ${seen}; ${advice}`)
}

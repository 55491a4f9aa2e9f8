import { type Inspection, inspect, type Pruned, type PruneOptions, prune } from '@tp/compiler'
import { isTpError, type Method, type MethodEntry, type Schedule, TpError, type Values } from '@tp/core'
import { needsValues, type OptionValue, paramsOf, parseOptions, readSafetensors } from '@tp/core/host'
import type { Arguments } from '../command/arguments.ts'
import { usageError } from '../command/usage-error.ts'
import { readInput } from '../files/read-input.ts'
import type { ModelFile } from '../model/model-file.ts'
import { RefusalError } from '../model/refusal-error.ts'
import { wholeNumber } from './numbers.ts'

/** What a pruning needs beside method and budget; `prune`, `eval` and `bench` take the same. */
export const pruningOptions = {
  encoder: {
    type: 'string',
    value: 'NAME',
    description: 'the encoder to prune in a file of several (tp inspect names them); default: each that can be',
  },
  param: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    description: 'an option of the method; tp methods lists them',
  },
  weights: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description: "the method's trained values (safetensors, named layer.B.NAME or NAME)",
  },
  protect: {
    type: 'string',
    value: 'auto|none|P,P…',
    description: 'positions that always stay; default auto: those the head reads',
  },
  outputs: {
    type: 'string',
    value: 'NAME,NAME…',
    description: 'outputs to keep; default: all, or refuse where one shows tokens on their way',
  },
  restore: {
    type: 'string',
    value: 'auto|none|all',
    description: 'put tokens back before the head; default auto: where outputs have a row a token',
  },
  plugin: {
    type: 'string',
    multiple: true,
    value: 'MODULE',
    reads: 'module',
    description: 'path or package with more methods',
  },
} as const

/** The options above, read. */
export interface PruningSettings {
  readonly encoder: string | undefined
  readonly outputs: readonly string[] | undefined
  readonly params: Readonly<Record<string, string>>
  readonly weights: string | undefined
  readonly protect: NonNullable<PruneOptions['protect']>
  readonly restore: NonNullable<PruneOptions['restore']>
}

/** @throws TpError TP_USAGE */
export function readPruningSettings(options: Arguments<typeof pruningOptions>): PruningSettings {
  return {
    encoder: options.encoder,
    outputs: options.outputs?.split(',').map((name) => name.trim()),
    params: readParams(options.param ?? []),
    weights: options.weights,
    protect: readProtect(options.protect ?? 'auto'),
    restore: readRestore(options.restore ?? 'auto'),
  }
}

function readParams(texts: readonly string[]): Record<string, string> {
  const params = new Map<string, string>()
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (name === undefined || value === undefined) throw usageError(`--param is "${text}"; it must be name=value`)
    if (params.has(name)) throw usageError(`--param ${name} is given twice`)
    params.set(name, value)
  }
  // Defines properties of its own, so that one called __proto__ is there to be refused.
  return Object.fromEntries(params)
}

function readProtect(text: string): PruningSettings['protect'] {
  if (text === 'auto') return 'auto'
  return text === 'none' ? [] : text.split(',').map((position) => wholeNumber('protect', position, 0))
}

function readRestore(text: string): PruningSettings['restore'] {
  if (text === 'auto' || text === 'none' || text === 'all') return text
  throw usageError(`--restore is "${text}"; it must be auto, none or all`)
}

/** A method made as the command line asks. @throws TpError TP_OPTION */
export function createMethod(
  entry: MethodEntry,
  params: Readonly<Record<string, string>>,
): { readonly method: Method; readonly values: Readonly<Record<string, OptionValue>> } {
  const values = parseOptions(entry.name, entry.options, params)
  return { method: entry.create(values), values }
}

/**
 * @param encoder the encoder that is meant; default: the first that can be pruned
 * @throws RefusalError; TpError TP_TOWER
 */
export function inspectFile(file: ModelFile, encoder?: string): Inspection {
  const found = inspect(file.model, encoder === undefined ? {} : { encoder })
  if (!found.ok) throw new RefusalError(file.path, found.refusal)
  return found
}

/**
 * Every encoder of a file that can be pruned, or the one that is asked for.
 * @throws RefusalError; TpError TP_TOWER
 */
export function inspectEncoders(file: ModelFile, encoder?: string): [Inspection, ...Inspection[]] {
  const first = inspectFile(file, encoder)
  if (encoder !== undefined) return [first]
  const others = first.encoders.filter(({ name, refusal }) => name !== first.encoder && refusal === undefined)
  return [first, ...others.map(({ name }) => inspectFile(file, name))]
}

export interface PruneRequest extends Omit<PruningSettings, 'params'> {
  readonly method: Method
  /** By name of the encoder; without one only what no output reads is left out. */
  readonly schedules: ReadonlyMap<string, Schedule>
  readonly trace?: PruneOptions['trace']
  readonly protectInput?: PruneOptions['protectInput']
  readonly monitor?: boolean
  readonly deadTokens?: boolean
}

/**
 * Prunes a model that was read from a file.
 * @throws RefusalError; TpError TP_SCHEDULE, TP_PROTECT, TP_WEIGHTS
 */
export async function pruneFile(file: ModelFile, request: PruneRequest): Promise<Pruned> {
  const { method, schedules, encoder, outputs, weights, protect, restore } = request
  const { trace = false, protectInput = false, monitor = false, deadTokens = true } = request
  const layers = [...schedules.values()].flatMap((schedule) => [...schedule.keys()])
  const needed = weights !== undefined || needsValues(method, layers)
  const params = needed ? await trainedValues(weights, method) : undefined
  const result = prune(file.model, {
    method,
    schedule: ({ name }) => schedules.get(name) ?? new Map(),
    ...(encoder !== undefined && { encoder }),
    ...(outputs !== undefined && { outputs }),
    protect,
    restore,
    trace,
    protectInput,
    monitor,
    deadTokens,
    source: file.hash(),
    ...(params && { params }),
  })
  if (!result.ok) throw new RefusalError(file.path, result.refusal)
  return result
}

/**
 * What a method has learned, at a layer, out of the file that is named.
 * @throws TpError TP_WEIGHTS, also where none is
 */
export async function trainedValues(path: string | undefined, method: Method): Promise<(layer: number) => Values> {
  if (path === undefined) {
    throw new TpError('TP_WEIGHTS', 'tp', `${method.name} works with trained values; give them with --weights FILE`)
  }
  const weights = await readWeights(path)
  return (layer) => paramsOf(method, weights, layer)
}

/** @throws TpError TP_WEIGHTS, TP_TOO_LARGE; with the file's name */
async function readWeights(path: string): Promise<ReturnType<typeof readSafetensors>> {
  const bytes = await readInput(path, { code: 'TP_WEIGHTS', advice: 'give the path of a safetensors file' })
  try {
    return readSafetensors(bytes)
  } catch (cause) {
    throw isTpError(cause)
      ? new TpError('TP_WEIGHTS', path, cause.message.replace(`[${cause.where}] `, ''), { cause })
      : cause
  }
}

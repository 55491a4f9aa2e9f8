import { TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import type { Rounding, WeightType } from './round-weights.ts'

export interface QuantizeOptions {
  /** Default int8: on x86 with VNNI or AMX much faster than uint8, which is there for processors without signed products. */
  readonly weightType?: WeightType | undefined
  /** One scale for each output channel (default) instead of one for each matrix. */
  readonly perChannel?: boolean | undefined
  /** Weights of 7 bits (default false), for x86 without VNNI, where sums of two 8-bit products saturate at 16 bits. */
  readonly reduceRange?: boolean | undefined
  /** Nodes that remain in float32, by the names that `Quantized.nodes` gives. */
  readonly exclude?: readonly string[] | undefined
}

type Check = readonly [is: (value: unknown) => boolean, form: string]

const flag: Check = [(value) => typeof value === 'boolean', 'true or false']

const checks: Readonly<Record<keyof QuantizeOptions, Check>> = {
  weightType: [(value) => value === 'int8' || value === 'uint8', '"int8" or "uint8"'],
  perChannel: flag,
  reduceRange: flag,
  exclude: [
    (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
    'a list of names of nodes',
  ],
}

/** What to round, and how. */
export interface QuantizeForm {
  readonly rounding: Rounding
  /** Nodes that remain in float32. */
  readonly exclude: ReadonlySet<string>
}

/**
 * Options of `quantize` as they come from anywhere (a program without types, a plan), with the defaults.
 * @throws TpError TP_OPTION
 */
export function readQuantizeOptions(options: unknown): QuantizeForm {
  if (!isRecord(options)) throw problem(`the options are ${shown(options)}; they must be an object`)
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw problem(`there is no option ${name.slice(0, 40)}; there are ${Object.keys(checks).join(', ')}`)
    }
    const [is, form] = checks[name as keyof QuantizeOptions]
    if (value !== undefined && !is(value)) throw problem(`${name} is ${shown(value)}; it must be ${form}`)
  }
  const { weightType: type = 'int8', perChannel = true, reduceRange = false, exclude = [] } = options as QuantizeOptions
  return { rounding: { type, perChannel, reduceRange }, exclude: new Set(exclude) }
}

function problem(message: string): TpError {
  return new TpError('TP_OPTION', 'compiler', `quantize: ${message}`)
}

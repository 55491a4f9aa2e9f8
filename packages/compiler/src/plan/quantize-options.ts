import { TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import { array, picklist, string } from 'valibot'
import { type FieldsOf, flag, problemOf } from './field.ts'

/** Element type of quantized weights. Signed ones are symmetric: their zero point is 0. */
export type WeightType = 'int8' | 'uint8'

/** The part of an input of 8-bit products that has a scale of its own: each token (row), or the whole tensor. */
export type Activations = 'token' | 'tensor'

export interface QuantizeOptions {
  /** Default int8: on x86 with VNNI or AMX much faster than uint8, which is there for processors without signed products. */
  readonly weightType?: WeightType | undefined
  /** One scale for each output channel (default) instead of one for each matrix. */
  readonly perChannel?: boolean | undefined
  /** Weights of 7 bits (default false), for x86 without VNNI, where sums of two 8-bit products saturate at 16 bits. */
  readonly reduceRange?: boolean | undefined
  /**
   * Default `token`: an answer does not depend on what else is in the batch, or on padding, and is nearer to float32. `tensor`
   * is the `quantize_dynamic` of onnxruntime, somewhat faster where all texts have the same length.
   */
  readonly activations?: Activations | undefined
  /** Nodes that remain in float32, by the names that the report's `nodes` give. */
  readonly exclude?: readonly string[] | undefined
}

/** The options where they are left out. */
export const QUANTIZE_DEFAULTS: { readonly [Name in keyof QuantizeOptions]-?: NonNullable<QuantizeOptions[Name]> } = {
  weightType: 'int8',
  perChannel: true,
  reduceRange: false,
  activations: 'token',
  exclude: [],
}

export const quantizeFields: FieldsOf<QuantizeOptions> = {
  weightType: {
    schema: picklist(['int8', 'uint8']),
    form: '"int8" or "uint8"',
    code: 'TP_OPTION',
    default: QUANTIZE_DEFAULTS.weightType,
    description: 'type of the weights; int8 is faster on x86 with VNNI or AMX',
    written: { as: 'word', name: 'type', value: 'int8|uint8', words: ['int8', 'uint8'] },
  },
  perChannel: {
    ...flag,
    default: QUANTIZE_DEFAULTS.perChannel,
    description: 'one scale for each output channel instead of one for each matrix',
    written: {
      as: 'inverse flag',
      name: 'per-tensor',
      description: 'one scale per matrix; default: per output channel',
    },
  },
  reduceRange: {
    ...flag,
    default: QUANTIZE_DEFAULTS.reduceRange,
    description: 'weights of 7 bits: for x86 without VNNI, where sums of 8-bit products saturate',
    written: { as: 'flag' },
  },
  activations: {
    schema: picklist(['token', 'tensor']),
    form: '"token" or "tensor"',
    code: 'TP_OPTION',
    default: QUANTIZE_DEFAULTS.activations,
    description:
      'one scale per token, or for the tensor; per token no answer depends on its batch, per tensor is what quantize_dynamic does',
    written: { as: 'word', value: 'token|tensor', words: ['token', 'tensor'] },
  },
  exclude: {
    schema: array(string()),
    form: 'a list of names of nodes',
    code: 'TP_OPTION',
    default: QUANTIZE_DEFAULTS.exclude,
    description: 'nodes that remain in float32',
    written: { as: 'names', value: 'NODE,NODE…' },
  },
}

/** @throws TpError TP_OPTION */
export function checkQuantizeOptions(options: unknown): asserts options is QuantizeOptions {
  const problem = isRecord(options)
    ? problemOf(options, quantizeFields)?.message
    : `the options are ${shown(options)}; they must be an object`
  if (problem !== undefined) throw new TpError('TP_OPTION', 'compiler', `quantize: ${problem}`)
}

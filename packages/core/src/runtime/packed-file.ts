import { TpError } from '../errors.ts'

/**
 * The error of a runtime that is given a packed model without functions for its operators, as it was written at first: only @tp/runtime-native has
 * kernels for them. Undefined if `reason`, the runtime's own message, names no operator of packed files.
 */
export function packedFileError(where: string, reason: string, cause: unknown): TpError | undefined {
  if (!/\btp[:.](Rows|Pack|Unpack|PackedAttention|BatchAttention|RoundRows|ScaleRows|RescaleRows)/.test(reason))
    return undefined
  const seen = 'the model is packed without functions for its operators, and only @tp/runtime-native runs it'
  const advice = 'load it there, or pack the model again'
  return new TpError('TP_MODEL_LOAD', where, `${seen}; ${advice}`, { cause })
}

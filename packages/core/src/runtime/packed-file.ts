import { TpError } from '../errors.ts'

/**
 * The error of a runtime that is given a packed model (`pack` of `@tp/compiler`), whose operators only @tp/runtime-native has.
 * Undefined if `reason`, the runtime's own message, does not name an operator of packed files.
 */
export function packedFileError(where: string, reason: string, cause: unknown): TpError | undefined {
  if (!/\btp[:.](Rows|Pack|Unpack|PackedAttention|RoundRows|ScaleRows)\b/.test(reason)) return undefined
  const advice = 'load it there, or use the file that it was made from'
  return new TpError('TP_PACKED', where, `the model is packed, and only @tp/runtime-native runs it; ${advice}`, {
    cause,
  })
}

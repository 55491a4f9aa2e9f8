import { TpError } from '../errors.ts'

/**
 * What a runtime answers about a packed model (`pack` of `@tp/compiler`), whose operators only one runtime has. `reason`: what it
 * would say otherwise, with the name of the operator that it does not know; undefined if that is none of a packed file.
 */
export function packedFileError(where: string, reason: string, cause: unknown): TpError | undefined {
  if (!/\btp[:.](Rows|Pack|Unpack|PackedAttention)\b/.test(reason)) return undefined
  const advice = 'load it there, or use the file that it was made from'
  return new TpError('TP_PACKED', where, `the model is packed, and only @tp/runtime-native runs it; ${advice}`, {
    cause,
  })
}

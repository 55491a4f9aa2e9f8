import type { QuantizeOptions } from '@tp/compiler'
import { saturatesHere } from './saturates-here.ts'

/** How `--quantize` stores weights: in 7 bits where sums of 8-bit products saturate, which is exact on other processors, too. */
export async function formHere(): Promise<QuantizeOptions> {
  return (await saturatesHere()) ? { reduceRange: true } : {}
}

/** The remark where that has 7 bits. */
export const SEVEN_BITS =
  'weights have 7 bits: on this processor (x86 without VNNI) sums of 8-bit products saturate, and those of 7 bits are exact on any'

import { decoderDistances, verifyQuantized } from '@tp/compare'
import { inspectDecoder } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { withinBounds } from '../model/within-bounds.ts'
import type { EightBitsVerified } from '../printing/quantized-text.ts'

/**
 * Runs a file in 8 bits next to its source, a decoder on prompts and on tokens after them.
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyEightBits(file: ModelFile, path: string, signal: AbortSignal): Promise<EightBitsVerified> {
  const decoder = inspectDecoder(file.model)
  return await withinBounds(
    file,
    path,
    signal,
    async (pair): Promise<EightBitsVerified> =>
      decoder.ok ? { distances: await decoderDistances({ ...pair, decoder }) } : await verifyQuantized(pair),
  )
}

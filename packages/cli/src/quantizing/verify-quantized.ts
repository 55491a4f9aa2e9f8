import { decoderDistances, verifyQuantized } from '@tp/compare'
import { inspectDecoder, roundsByBatch } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import type { Model } from '@tp/onnx'
import { withinBounds } from '@tp/plans/files'
import type { EightBitsVerified } from '../printing/quantized-text.ts'

/**
 * Runs a file in 8 bits next to its source, a decoder on prompts and on tokens after them.
 * @param written the file, and what is in it
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyEightBits(
  file: ModelFile,
  written: { readonly path: string; readonly model: Model },
  signal: AbortSignal,
): Promise<EightBitsVerified> {
  const decoder = inspectDecoder(file.model)
  const isByBatch = roundsByBatch(written.model)
  return await withinBounds(
    file,
    written.path,
    signal,
    async (pair): Promise<EightBitsVerified> =>
      decoder.ok
        ? { distances: await decoderDistances({ ...pair, decoder }) }
        : await verifyQuantized({ ...pair, roundsByBatch: isByBatch }),
  )
}

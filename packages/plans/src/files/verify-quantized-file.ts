import { decoderDistances, type QuantizedComparison, verifyQuantized } from '@tp/compare'
import { inspectDecoder, roundsByBatch } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import type { Model } from '@tp/onnx'
import { withinBounds } from './bounded-pair.ts'

/** How far outputs in 8 bits are from those of the source; of a decoder, examples in batches are not compared with those alone. */
export type EightBitsVerified = Pick<QuantizedComparison, 'distances'> & Partial<QuantizedComparison>

/**
 * Runs a file in 8 bits next to its source, a decoder on prompts and on tokens after them, in a process of its own with limits.
 * @param written the file, and what is in it
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT, TP_MODEL_LIMIT, TP_ABORTED
 * @example
 * const { model } = transform(file.model, quantize())
 * await writeFile('8-bit.onnx', encodeModel(model))
 * const { distances } = await verifyQuantizedFile(file, { path: '8-bit.onnx', model }, AbortSignal.timeout(60_000))
 */
export async function verifyQuantizedFile(
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

import { type QuantizedComparison, verifyQuantized } from '@tp/compare'
import { inspectDecoder } from '@tp/compiler'
import { isTpError, TpError } from '@tp/core'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'
import { decoderDistances } from '../decoding/decoder-distances.ts'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'

/** Of a decoder, examples in batches are not compared with those alone. */
export type EightBitsVerified = Pick<QuantizedComparison, 'distances'> & Partial<QuantizedComparison>

/**
 * Runs a file in 8 bits next to its source, a decoder on prompts and on tokens after them.
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyEightBits(file: ModelFile, path: string, signal: AbortSignal): Promise<EightBitsVerified> {
  const decoder = inspectDecoder(file.model)
  if (decoder.ok) return { distances: await decoderDistances({ file, path, decoder, signal }) }
  const bounds = boundsFor(await sizeOfFiles(file))
  await using process = boundedProcess(signal)
  await using dense = await process.load(file.path, { bounds })
  await using changed = await process.load(path, { bounds })
  return await verifyQuantized({ source: file.model, dense, changed, signal }).catch((error: unknown) => {
    throw isTpError(error) && error.code === 'TP_INPUT' ? notRun(file, error) : error
  })
}

/** What a file takes cannot be generated. */
function notRun({ path }: ModelFile, error: TpError): TpError {
  const seen = error.message.replace(`[${error.where}] `, '')
  const advice = 'so the file cannot be verified; without --verify it is written as it is'
  return new TpError('TP_INPUT', 'tp', `${path}: ${seen}, ${advice}`, { cause: error })
}

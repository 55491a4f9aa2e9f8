import { type QuantizedComparison, verifyQuantized } from '@tp/compare'
import { inspectDecoder } from '@tp/compiler'
import { boundedProcess, boundsFor } from '../bounded/bounded-runtime.ts'
import { verifyRuns } from '../decoding/verify-last-logits.ts'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'

/**
 * Runs a file in 8 bits next to its source. A decoder is run by itself, on prompts alone and padded: nothing is compared.
 * @throws TpError TP_VERIFY, TP_DENSE where the source itself does not hold, TP_INPUT, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyEightBits(
  file: ModelFile,
  path: string,
  signal: AbortSignal,
): Promise<QuantizedComparison> {
  const decoder = inspectDecoder(file.model)
  if (decoder.ok) {
    await verifyRuns({ file, path, decoder, signal })
    return { distances: {}, own: 0 }
  }
  const bounds = boundsFor(await sizeOfFiles(file))
  await using process = boundedProcess(signal)
  await using dense = await process.load(file.path, { runtime: 'node', bounds })
  await using changed = await process.load(path, { runtime: 'node', bounds })
  return await verifyQuantized({ source: file.model, dense, changed, signal })
}

import { type Comparison, verify } from '@tp/compare'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'
import { nativeModule } from '../plugins/open-runtime.ts'

/**
 * Runs a packed model and the one it was made from on the same examples of unequal lengths.
 * @throws TpError TP_VERIFY, TP_DENSE where the model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPacked(file: ModelFile, packed: string, signal: AbortSignal): Promise<Comparison> {
  const bounds = boundsFor(await sizeOfFiles(file))
  await using process = boundedProcess(signal)
  await using dense = await process.load(file.path, { bounds })
  await using changed = await process.load(packed, { module: nativeModule(), bounds })
  return await verify({ source: file.model, dense, changed, signal })
}

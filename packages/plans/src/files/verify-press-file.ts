import { verifyPress } from '@tp/compare'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'

/**
 * Runs the file of a press on random caches of two examples, alone and in a batch, in a process of its own with limits.
 * @param size its bytes
 * @throws TpError TP_VERIFY, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPressFile(path: string, size: number, signal: AbortSignal): Promise<void> {
  await using process = boundedProcess(signal)
  await using session = await process.load(path, { bounds: boundsFor(size) })
  await verifyPress(session, signal)
}

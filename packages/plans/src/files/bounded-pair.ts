import { isTpError, TpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import type { Session } from '@tp/core/runtime'
import { type ModelFile, sizeOfFiles } from '@tp/data'
import type { Model } from '@tp/onnx'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'

/** A file and one that was made from it, both loaded. */
export interface BoundedPair {
  readonly source: Model
  readonly dense: Session
  readonly changed: Session
  readonly signal: AbortSignal
}

/**
 * Loads a file, and one that was made from it, into a process of their own with limits, while `use` compares them.
 * @param module whose runtime the second one needs; default: onnxruntime-node
 * @throws TpError TP_MODEL_LIMIT, TP_ABORTED, TP_INPUT where what a file takes cannot be generated, and what `use` throws
 * @example
 * await withinBounds(await readModel('model.onnx'), 'packed.onnx', signal, verifySame)
 */
export async function withinBounds<T>(
  file: ModelFile,
  path: string,
  signal: AbortSignal,
  use: (pair: BoundedPair) => Promise<T>,
  module?: string,
): Promise<T> {
  const bounds = boundsFor(await sizeOfFiles(file))
  await using process = boundedProcess(signal)
  await using dense = await process.load(file.path, { bounds })
  await using changed = await process.load(path, { bounds, ...(module !== undefined && { module }) })
  return await use({ source: file.model, dense, changed, signal }).catch((error: unknown) => {
    throw isTpError(error) && error.code === 'TP_INPUT' ? notRun(file, error) : error
  })
}

function notRun({ path }: ModelFile, error: TpError): TpError {
  const seen = bareMessage(error)
  const advice = 'so the file cannot be verified; without --verify it is written as it is'
  return new TpError('TP_INPUT', 'plans', `${path}: ${seen}, ${advice}`, { cause: error })
}

import type { TrainedValues } from '@tp/compiler'
import { isTpError, TpError } from '@tp/core'
import { bareMessage, readSafetensors } from '@tp/core/host'
import { readInput } from '@tp/data/files'

/**
 * The trained values of a method, from a safetensors file.
 * @throws TpError TP_WEIGHTS, TP_TOO_LARGE; with the name of the file
 * @example
 * await pruneFile('model.onnx', 'pruned.onnx', { plan, methods, values: await readTrainedValues('sdtp.safetensors') })
 */
export async function readTrainedValues(path: string): Promise<TrainedValues> {
  const bytes = await readInput(path, { code: 'TP_WEIGHTS', advice: 'give the path of a safetensors file' })
  try {
    return readSafetensors(bytes)
  } catch (cause) {
    throw isTpError(cause) ? new TpError('TP_WEIGHTS', path, bareMessage(cause), { cause }) : cause
  }
}

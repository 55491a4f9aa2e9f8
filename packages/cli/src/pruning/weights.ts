import type { TrainedValues } from '@tp/compiler'
import { isTpError, type Method, TpError } from '@tp/core'
import { needsValues, readSafetensors } from '@tp/core/host'
import { readInput } from '@tp/data/files'
import { valuesMissing } from '../printing/train-line.ts'

/** The trained values of a method, from a file. @throws TpError TP_WEIGHTS, TP_TOO_LARGE; with the name of the file */
export async function readWeights(path: string | undefined): Promise<TrainedValues | undefined> {
  if (path === undefined) return undefined
  const bytes = await readInput(path, { code: 'TP_WEIGHTS', advice: 'give the path of a safetensors file' })
  try {
    return readSafetensors(bytes)
  } catch (cause) {
    throw isTpError(cause)
      ? new TpError('TP_WEIGHTS', path, cause.message.replace(`[${cause.where}] `, ''), { cause })
      : cause
  }
}

/** @throws TpError TP_WEIGHTS for a method that needs trained values at one of the layers, where there are none */
export function requireValues(
  method: Method,
  layers: Iterable<number>,
  values: TrainedValues | undefined,
  model?: string,
): void {
  if (values === undefined && needsValues(method, layers))
    throw new TpError('TP_WEIGHTS', 'tp', valuesMissing(method, model))
}

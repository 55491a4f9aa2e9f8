import type { TrainedValues } from '@tp/compiler'
import { type Method, TpError } from '@tp/core'
import { needsValues } from '@tp/core/host'
import { readTrainedValues } from '@tp/plans/files'
import { valuesMissing } from '../printing/train-line.ts'

/** The trained values of a method, if a file is named. @throws TpError TP_WEIGHTS, TP_TOO_LARGE; with the name of the file */
export async function readWeights(path: string | undefined): Promise<TrainedValues | undefined> {
  return path === undefined ? undefined : await readTrainedValues(path)
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

import type { Plan } from '@tp/compiler'
import { isTpError, type Method, TpError, type Values } from '@tp/core'
import { needsValues, paramsOf, readSafetensors, trainedLayers } from '@tp/core/host'
import { readInput } from '@tp/data/files'
import { layersText, ranges } from '../printing/numbers.ts'
import { valuesMissing } from '../printing/train-line.ts'

/** The trained values of a method, from a file. */
export interface TrainedValues {
  readonly path: string
  readonly values: ReturnType<typeof readSafetensors>
}

/** @throws TpError TP_WEIGHTS, TP_TOO_LARGE; with the name of the file */
export async function readWeights(path: string): Promise<TrainedValues>
export async function readWeights(path: string | undefined): Promise<TrainedValues | undefined>
export async function readWeights(path: string | undefined): Promise<TrainedValues | undefined> {
  if (path === undefined) return undefined
  const bytes = await readInput(path, { code: 'TP_WEIGHTS', advice: 'give the path of a safetensors file' })
  try {
    return { path, values: readSafetensors(bytes) }
  } catch (cause) {
    throw isTpError(cause)
      ? new TpError('TP_WEIGHTS', path, cause.message.replace(`[${cause.where}] `, ''), { cause })
      : cause
  }
}

/** The values at each layer. @throws TpError TP_WEIGHTS, when it is called */
export function paramsFrom({ values }: TrainedValues, method: Method): (layer: number) => Values {
  return (layer) => paramsOf(method, values, layer)
}

/** @throws TpError TP_WEIGHTS for a method that needs trained values at one of the layers, where there are none */
export function requireValues(
  method: Method,
  layers: Iterable<number>,
  weights: TrainedValues | undefined,
  model?: string,
): void {
  if (weights === undefined && needsValues(method, layers))
    throw new TpError('TP_WEIGHTS', 'tp', valuesMissing(method, model))
}

/** The layers of a plan: if it names none, those that the trained values are for. */
export function layersOf({ layers }: Plan, method: Method, weights: TrainedValues | undefined): Plan['layers'] {
  if (weights === undefined || layers !== undefined || method.params === undefined) return layers
  return trainedLayers(method, weights.values)
}

/**
 * Trained values of single layers are those of the whole model; where some are left out, the others have new numbers.
 * @throws TpError TP_WEIGHTS
 */
export function refuseValuesOfLayers(
  { leaveOut = [] }: Plan,
  method: Method,
  weights: TrainedValues | undefined,
): void {
  if (leaveOut.length === 0 || weights === undefined) return
  const { path, values } = weights
  const layers = trainedLayers(method, new Map([...values].filter(([name]) => name.startsWith('layer.'))))
  if (layers === undefined) return
  const seen = `the values are for ${layersText(layers, ranges(layers))}, and layers are to be left out, which gives the others new numbers`
  const advice =
    'write the file without them first (tp prune --leave-out alone), and prune that with values learned on it'
  throw new TpError('TP_WEIGHTS', path, `${seen}; ${advice}`)
}

import type { Plan } from '@tp/compiler'
import { isTpError, type Method, TpError, type Values } from '@tp/core'
import { needsValues, paramsOf, readSafetensors, trainedLayers } from '@tp/core/host'
import { readInput } from '../files/read-input.ts'
import { layersText, ranges } from '../output/numbers.ts'
import { valuesMissing } from '../training/train-line.ts'

/**
 * What a method has learned, at a layer, out of the file that is named.
 * @param model that is pruned, where it is known
 * @throws TpError TP_WEIGHTS, also where none is
 */
export async function trainedValues(
  path: string | undefined,
  method: Method,
  model?: string,
): Promise<(layer: number) => Values> {
  if (path === undefined) throw new TpError('TP_WEIGHTS', 'tp', valuesMissing(method, model))
  const weights = await readWeights(path)
  return (layer) => paramsOf(method, weights, layer)
}

/**
 * Before the model is read: what a method needs at each layer, or at those that are named, is there or is asked for.
 * @throws TpError TP_WEIGHTS
 */
export function refuseMissingValues({ layers }: Plan, method: Method, weights: string | undefined): void {
  const named = Array.isArray(layers) ? layers.filter((layer) => typeof layer === 'number') : [0]
  if (weights === undefined && needsValues(method, named)) throw new TpError('TP_WEIGHTS', 'tp', valuesMissing(method))
}

/**
 * A plan that names no layers, at those that the method's trained values are for.
 * @throws TpError TP_WEIGHTS
 */
export async function atTrainedLayers<Own extends Plan>(
  plan: Own,
  method: Method,
  weights: string | undefined,
): Promise<Own> {
  if (weights === undefined || plan.layers !== undefined || method.params === undefined) return plan
  const layers = trainedLayers(method, await readWeights(weights))
  return layers === undefined ? plan : { ...plan, layers }
}

/**
 * Trained values of single layers are those of the whole model; where some are left out, the others have new numbers.
 * @throws TpError TP_WEIGHTS
 */
export async function refuseValuesOfLayers(
  { leaveOut = [] }: Plan,
  method: Method,
  weights: string | undefined,
): Promise<void> {
  if (leaveOut.length === 0 || weights === undefined) return
  const ofOneLayer = [...(await readWeights(weights))].filter(([name]) => name.startsWith('layer.'))
  const layers = trainedLayers(method, new Map(ofOneLayer))
  if (layers === undefined) return
  const seen = `the values are for ${layersText(layers, ranges(layers))}, and layers are to be left out, which gives the others new numbers`
  throw new TpError(
    'TP_WEIGHTS',
    weights,
    `${seen}; write the file without them first (tp prune --leave-out alone), and prune that with values learned on it`,
  )
}

/** @throws TpError TP_WEIGHTS, TP_TOO_LARGE; with the file's name */
async function readWeights(path: string): Promise<ReturnType<typeof readSafetensors>> {
  const bytes = await readInput(path, { code: 'TP_WEIGHTS', advice: 'give the path of a safetensors file' })
  try {
    return readSafetensors(bytes)
  } catch (cause) {
    throw isTpError(cause)
      ? new TpError('TP_WEIGHTS', path, cause.message.replace(`[${cause.where}] `, ''), { cause })
      : cause
  }
}

import { type Inspection, inspect, type Plan, type Pruned, type PruneOptions, prune } from '@tp/compiler'
import { isTpError, type Method, type Schedule, TpError, type Values } from '@tp/core'
import { needsValues, paramsOf, readSafetensors, trainedLayers } from '@tp/core/host'
import { interruptible } from '../command/endable.ts'
import { readInput } from '../files/read-input.ts'
import { requireKeptRows } from '../model/as-pooled.ts'
import type { ModelFile } from '../model/model-file.ts'
import { RefusalError } from '../model/refusal-error.ts'
import { layersText, ranges } from '../output/numbers.ts'
import { valuesMissing } from '../training/train-line.ts'
import { segmentOf } from './segment.ts'

/** Settings of a pruning besides its method and schedule. */
export interface PruningSettings {
  readonly encoder: string | undefined
  readonly protect: NonNullable<PruneOptions['protect']>
  readonly protectSegment: PruneOptions['protectSegment']
  readonly separator: PruneOptions['separator']
  readonly restore: NonNullable<PruneOptions['restore']>
  readonly outputs: readonly string[] | undefined
  /** What the plan says of storing the result in 8 bits. */
  readonly quantize: PruneOptions['quantize']
  /** File of the method's trained values. */
  readonly weights: string | undefined
}

/**
 * @param encoder the encoder that is meant; default: the first that can be pruned
 * @throws RefusalError; TpError TP_ENCODER
 */
export function inspectFile(file: ModelFile, encoder?: string): Inspection {
  return requireEncoder(file, inspect(file.model, encoder === undefined ? {} : { encoder }))
}

/** @throws RefusalError */
export function requireEncoder({ path }: Pick<ModelFile, 'path'>, found: ReturnType<typeof inspect>): Inspection {
  if (!found.ok) throw new RefusalError(path, found.refusal)
  return found
}

/**
 * Every encoder of a file that can be pruned, or the named one.
 * @param seen what was found in it without a name, if that is known
 * @throws RefusalError; TpError TP_ENCODER
 */
export function inspectEncoders(
  file: ModelFile,
  encoder?: string,
  seen?: ReturnType<typeof inspect>,
): [Inspection, ...Inspection[]] {
  if (encoder !== undefined) return [inspectFile(file, encoder)]
  const first = seen === undefined ? inspectFile(file) : requireEncoder(file, seen)
  const others = first.encoders.filter(({ name, refusal }) => name !== first.encoder && refusal === undefined)
  return [first, ...others.map(({ name }) => inspectFile(file, name))]
}

export interface PruneRequest extends PruningSettings {
  readonly method: Method
  /** By name of the encoder; without one only dead tokens are removed. */
  readonly schedules: ReadonlyMap<string, Schedule>
  readonly trace?: PruneOptions['trace']
  readonly monitor?: boolean
  readonly deadTokens?: boolean
}

/**
 * Prunes a model that was read from a file.
 * @throws RefusalError; TpError TP_SCHEDULE, TP_PROTECT, TP_WEIGHTS
 */
export async function pruneFile(file: ModelFile, request: PruneRequest): Promise<Pruned> {
  const { method, schedules, encoder, outputs, weights, protect, restore, quantize } = request
  const { trace = false, monitor = false, deadTokens = true } = request
  const layers = [...schedules.values()].flatMap((schedule) => [...schedule.keys()])
  if (layers.length > 0) await requireKeptRows(file)
  const needed = weights !== undefined || needsValues(method, layers)
  const params = needed ? await trainedValues(weights, method, file.path) : undefined
  const options: PruneOptions = {
    method,
    ...(await segmentOf(file, request)),
    schedule: ({ name }) => schedules.get(name) ?? new Map(),
    ...(encoder !== undefined && { encoder }),
    ...(outputs !== undefined && { outputs }),
    protect,
    restore,
    trace,
    monitor,
    deadTokens,
    source: file.hash(),
    ...(quantize && { quantize }),
    ...(params && { params }),
  }
  const result = interruptible(() => prune(file.model, options))
  if (!result.ok) throw new RefusalError(file.path, result.refusal)
  return result
}

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
export async function atTrainedLayers(plan: Plan, method: Method, weights: string | undefined): Promise<Plan> {
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

import {
  type Inspection,
  inspect,
  type Plan,
  type PlannedOptions,
  type PruneOptions,
  type PruneReport,
  prune,
  type QuantizeOptions,
  quantize,
  reportOf,
  transform,
} from '@tp/compiler'
import type { Schedule } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { interruptible } from '../context/endable.ts'
import { requireKeptRows } from '../model/as-pooled.ts'
import { naming, RefusalError } from '../model/refusal-error.ts'
import type { Pruned } from '../printing/pruned-report.ts'
import { segmentOf } from './segment.ts'
import { paramsFrom, requireValues, type TrainedValues } from './weights.ts'

/** How a file is pruned but for the schedule, with the defaults that reports name. */
export interface PruningSettings extends Omit<PruneOptions, 'schedule' | 'source' | 'protect' | 'restore'> {
  readonly protect: NonNullable<PruneOptions['protect']>
  readonly restore: NonNullable<PruneOptions['restore']>
  /** Stores the result in 8 bits. */
  readonly quantize?: QuantizeOptions | undefined
}

/** The settings of a plan. @param planned its options of pruning */
export function settingsOf(
  { quantize }: Plan,
  planned: PlannedOptions,
  weights: TrainedValues | undefined,
): PruningSettings {
  const { schedule: _, protect = 'auto', restore = 'auto', ...others } = planned
  return {
    ...others,
    protect,
    restore,
    ...(quantize && { quantize }),
    ...(weights && { params: paramsFrom(weights, planned.method) }),
  }
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

/**
 * Prunes a model that was read from a file.
 * @param schedules by name of the encoder; without one only dead tokens are removed
 * @throws RefusalError; TpError TP_SCHEDULE, TP_PROTECT, TP_WEIGHTS
 */
export async function pruneFile(
  file: ModelFile,
  settings: PruningSettings,
  schedules: ReadonlyMap<string, Schedule>,
): Promise<Pruned> {
  const { quantize: form, ...options } = settings
  const { method, params } = options
  const layers = [...schedules.values()].flatMap((schedule) => [...schedule.keys()])
  if (layers.length > 0) await requireKeptRows(file)
  if (params === undefined) requireValues(method, layers, undefined, file.path)
  const all: PruneOptions = {
    ...options,
    ...(await segmentOf(file, options)),
    schedule: ({ name }) => schedules.get(name) ?? new Map(),
    source: file.hash(),
  }
  const { model, reports } = interruptible(() =>
    naming(file.path, () => transform(file.model, prune(all), ...(form === undefined ? [] : [quantize(form)]))),
  )
  const { layerCount, cuts, encoders } = reportOf(reports, 'prune') as PruneReport
  const rounded = reportOf(reports, 'quantize')
  return { model, layerCount, cuts, encoders, ...(rounded && { quantized: rounded.nodes }) }
}

import { isTpError, TpError } from '@tp/core'
import { bareMessage, isRecord, readSafetensors, safetensorsMetadata, writeSafetensors } from '@tp/core/host'
import type { AdamW } from './adam-w.ts'
import type { TrainProgress } from './step.ts'
import type { Weights } from './weights.ts'

/** The state of a training: all that is required to continue as if it had never stopped. */
export interface Standing {
  /** Number of steps taken. */
  step: number
  /** The progress at each of them. */
  readonly progress: TrainProgress[]
  /** The best weights so far by accuracy on the selection set, and their step. */
  best: { readonly accuracy: number; readonly step: number; readonly weights: Weights } | undefined
}

/** The settings of a training, by name. */
export type StoredSettings = Readonly<Record<string, unknown>>

/** Bytes of a checkpoint: weights, moments and best weights as safetensors, the rest in its metadata. */
export function writeCheckpoint(
  settings: StoredSettings,
  weights: Weights,
  optimizer: AdamW,
  { step, progress, best }: Standing,
): Uint8Array {
  const tensors = new Map<string, { dims: readonly number[]; data: Float32Array }>()
  for (const [name, weight] of weights) {
    const moments = optimizer.moments.get(name)
    tensors.set(`weight.${name}`, weight)
    if (moments === undefined) continue
    tensors.set(`first.${name}`, { dims: weight.dims, data: moments.first })
    tensors.set(`second.${name}`, { dims: weight.dims, data: moments.second })
  }
  for (const [name, weight] of best?.weights ?? []) tensors.set(`best.${name}`, weight)
  const moved = [...weights.keys()].map((name) => optimizer.moments.get(name)?.steps ?? 0)
  const about = { step, best: best && { accuracy: best.accuracy, step: best.step }, settings, moved, progress }
  return writeSafetensors(tensors, { 'tp.training': JSON.stringify(about) })
}

/**
 * Restores weights and moments, in place.
 * @throws TpError TP_RESUME if it is not a checkpoint, is damaged, or belongs to another training
 */
export function readCheckpoint(
  bytes: Uint8Array,
  settings: StoredSettings,
  { weights, optimizer, where }: RestoredTraining,
): Standing {
  try {
    return restore(bytes, settings, weights, optimizer)
  } catch (cause) {
    if (!(cause instanceof Unusable)) throw cause
    throw new TpError('TP_RESUME', where, `cannot resume from the checkpoint: ${cause.message}`, { cause })
  }
}

/** The training that a checkpoint is restored to. */
export interface RestoredTraining {
  readonly weights: Weights
  readonly optimizer: AdamW
  /** The part of the training, for errors. */
  readonly where: string
}

/** Why a checkpoint cannot be used. */
class Unusable extends Error {}

function restore(bytes: Uint8Array, settings: StoredSettings, weights: Weights, optimizer: AdamW): Standing {
  const { stored, record } = contentsOf(bytes)
  const { step, best, settings: theirs, moved, progress } = record
  const changed = changedIn(theirs, settings)
  if (changed.length > 0) {
    throw problem(`it belongs to another training (${changed.join('; ')}); use the settings of that one, or start over`)
  }
  if (moved.length !== weights.size) throw problem(`it counts steps of ${moved.length} weights, not ${weights.size}`)
  const take = (name: string, target: Float32Array): void => {
    const data = stored.get(name)?.data
    if (data?.length !== target.length) throw problem(`it has no ${name} of ${target.length} numbers`)
    target.set(data)
  }
  for (const [i, [name, { data }]] of [...weights].entries()) {
    take(`weight.${name}`, data)
    const moments = optimizer.moments.get(name)
    if (moments === undefined) continue
    take(`first.${name}`, moments.first)
    take(`second.${name}`, moments.second)
    moments.steps = moved[i] as number
  }
  if (best === undefined) return { step, progress, best }
  const copies = copyOf(weights)
  for (const [name, { data }] of copies) take(`best.${name}`, data)
  return { step, progress, best: { ...best, weights: copies } }
}

/** The contents of a checkpoint besides weights. */
interface Recorded {
  readonly step: number
  readonly best: { readonly accuracy: number; readonly step: number } | undefined
  readonly settings: StoredSettings
  readonly moved: readonly number[]
  readonly progress: TrainProgress[]
}

function contentsOf(bytes: Uint8Array): { stored: ReturnType<typeof readSafetensors>; record: Recorded } {
  let text: string | undefined
  let stored: ReturnType<typeof readSafetensors>
  try {
    text = safetensorsMetadata(bytes)['tp.training']
    stored = readSafetensors(bytes)
  } catch (cause) {
    if (!isTpError(cause)) throw cause
    throw problem(`it is damaged, or not a checkpoint (${bareMessage(cause)})`, cause)
  }
  if (text === undefined) throw problem('these weights are not a checkpoint of a training')
  let record: unknown
  try {
    record = JSON.parse(text)
  } catch (cause) {
    throw problem(`it is damaged: its record of the training is invalid JSON (${(cause as Error).message})`, cause)
  }
  const missing = Object.entries(recorded).find(([name, is]) => !is(isRecord(record) ? record[name] : undefined))
  if (missing !== undefined) throw problem(`it is damaged: its record of the training has no valid ${missing[0]}`)
  return { stored, record: record as Recorded }
}

/** The form of each part of the record. */
const recorded: Readonly<Record<keyof Recorded, (value: unknown) => boolean>> = {
  step: isCount,
  settings: isRecord,
  moved: (value) => Array.isArray(value) && value.every(isCount),
  progress: (value) => Array.isArray(value) && value.every(isRecord),
  best: (value) => value === undefined || (isRecord(value) && Number.isFinite(value.accuracy) && isCount(value.step)),
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** The settings in which two trainings differ. */
function changedIn(theirs: StoredSettings, ours: StoredSettings): string[] {
  const [before, now] = [theirs, ours].map((stored) => (name: string) => JSON.stringify(stored[name]) ?? 'not given')
  return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap((name) =>
    before?.(name) === now?.(name) ? [] : `${name} was ${before?.(name)}, and is ${now?.(name)}`,
  )
}

export function copyOf(weights: Weights): Weights {
  return new Map([...weights].map(([name, weight]) => [name, { ...weight, data: weight.data.slice() }]))
}

function problem(message: string, cause?: unknown): Unusable {
  return new Unusable(message, { cause })
}

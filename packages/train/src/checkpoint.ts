import { isTpError, TpError } from '@tp/core'
import { isRecord, readSafetensors, safetensorsMetadata, writeSafetensors } from '@tp/core/host'
import type { AdamW } from './adam-w.ts'
import type { TrainProgress } from './step.ts'
import type { Weights } from './weights.ts'

/** Where a training stands: what it takes to go on as if it had never stopped. */
export interface Standing {
  /** Steps that were taken. */
  step: number
  /** What was seen at each of them. */
  readonly progress: TrainProgress[]
  /** The best weights so far by accuracy on the selection set, and where they were seen. */
  best: { readonly accuracy: number; readonly step: number; readonly weights: Weights } | undefined
}

/** What a training was told, by name. */
export type Told = Readonly<Record<string, unknown>>

/** Bytes of a checkpoint: weights, moments and best weights as safetensors, the rest in its metadata. */
export function writeCheckpoint(
  settings: Told,
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
 * Puts weights and moments back, in place.
 * @throws TpError TP_RESUME for what is no checkpoint, one that is damaged, or one of another training
 */
export function readCheckpoint(
  bytes: Uint8Array,
  settings: Told,
  { weights, optimizer, where }: RestoredTraining,
): Standing {
  try {
    return restore(bytes, settings, weights, optimizer)
  } catch (cause) {
    if (!(cause instanceof Unusable)) throw cause
    throw new TpError('TP_RESUME', where, `the checkpoint cannot be gone on from: ${cause.message}`, { cause })
  }
}

/** What a checkpoint is put into. */
export interface RestoredTraining {
  readonly weights: Weights
  readonly optimizer: AdamW
  /** The part of the training that it is of, for errors. */
  readonly where: string
}

/** Why a checkpoint is of no use. */
class Unusable extends Error {}

function restore(bytes: Uint8Array, settings: Told, weights: Weights, optimizer: AdamW): Standing {
  const { stored, record } = contentsOf(bytes)
  const { step, best, settings: theirs, moved, progress } = record
  const changed = changedIn(theirs, settings)
  if (changed.length > 0) {
    throw problem(`it is one of another training (${changed.join('; ')}); give what that one was given, or begin anew`)
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

/** What a checkpoint says of itself, beside its weights. */
interface Recorded {
  readonly step: number
  readonly best: { readonly accuracy: number; readonly step: number } | undefined
  readonly settings: Told
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
    throw problem(`it is damaged, or none (${cause.message.replace(`[${cause.where}] `, '')})`, cause)
  }
  if (text === undefined) throw problem('these weights are no checkpoint of a training')
  let record: unknown
  try {
    record = JSON.parse(text)
  } catch (cause) {
    throw problem(`it is damaged: what it says of the training is invalid JSON (${(cause as Error).message})`, cause)
  }
  const missing = Object.entries(recorded).find(([name, is]) => !is(isRecord(record) ? record[name] : undefined))
  if (missing !== undefined) throw problem(`it is damaged: what it says of the training has no ${missing[0]} that fits`)
  return { stored, record: record as Recorded }
}

/** What each part of the record must be. */
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

/** What two trainings were told differently. */
function changedIn(theirs: Told, ours: Told): string[] {
  const [before, now] = [theirs, ours].map((told) => (name: string) => JSON.stringify(told[name]) ?? 'not given')
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

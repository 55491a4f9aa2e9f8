import { readSafetensors, safetensorsMetadata, TpError, writeSafetensors } from '@tp/core'
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
 * @throws TpError TP_WEIGHTS for what is no checkpoint; TP_RESUME for one of another training
 */
export function readCheckpoint(bytes: Uint8Array, settings: Told, weights: Weights, optimizer: AdamW): Standing {
  const text = safetensorsMetadata(bytes)['tp.training']
  if (text === undefined) throw problem('these weights are no checkpoint of a training')
  const { step, best, settings: theirs, moved, progress } = JSON.parse(text)
  const changed = changedIn(theirs, settings)
  if (changed.length > 0) {
    throw problem(`it is one of another training (${changed.join('; ')}); give what that one was given, or begin anew`)
  }
  const stored = readSafetensors(bytes)
  const restore = (name: string, target: Float32Array): void => {
    const data = stored.get(name)?.data
    if (data?.length !== target.length) throw problem(`it has no ${name} of ${target.length} numbers`)
    target.set(data)
  }
  for (const [i, [name, { data }]] of [...weights].entries()) {
    restore(`weight.${name}`, data)
    const moments = optimizer.moments.get(name)
    if (moments === undefined) continue
    restore(`first.${name}`, moments.first)
    restore(`second.${name}`, moments.second)
    moments.steps = moved[i]
  }
  if (best === undefined) return { step, progress, best }
  const copies = copyOf(weights)
  for (const [name, { data }] of copies) restore(`best.${name}`, data)
  return { step, progress, best: { ...best, weights: copies } }
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

function problem(message: string): TpError {
  return new TpError('TP_RESUME', 'train', `the checkpoint cannot be gone on from: ${message}`)
}

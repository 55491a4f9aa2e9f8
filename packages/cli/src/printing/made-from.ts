import { basename } from 'node:path'
import { inspect, type LeftOutLayers, type PruningStep, readProvenance } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { leftOutText } from './left-out-text.ts'
import { stepText } from './step-text.ts'

/** The record in a file of how it was made. */
export interface Provenance {
  readonly steps: readonly PruningStep[]
  readonly leftOut: readonly LeftOutLayers[]
}

export function provenanceOf({ model }: Pick<ModelFile, 'model'>): Provenance {
  const found = inspect(model)
  return { steps: readProvenance(model), leftOut: found.ok ? found.leftOut : [] }
}

function isAsExported({ steps, leftOut }: Provenance): boolean {
  return steps.length === 0 && leftOut.length === 0
}

/** The name of a file in tables: `dense` as long as it records no pruning. */
export function originalName(file: Pick<ModelFile, 'model'>): 'dense' | 'as pruned' {
  return isAsExported(provenanceOf(file)) ? 'dense' : 'as pruned'
}

/** Whether a file was made from another one; undefined where it does not say. */
export function isMadeFrom({ steps }: Provenance, other: Pick<ModelFile, 'hash'>): boolean | undefined {
  const sources = steps.flatMap(({ source }) => source ?? [])
  return sources.length === 0 ? undefined : sources.includes(other.hash())
}

/** `model.onnx: tome, keep 0.9 at layers 1–4`; without the name if it is not known which file it was made from. */
export function madeFromText(provenance: Provenance, other?: Pick<ModelFile, 'path' | 'hash'>): string {
  const { steps, leftOut } = provenance
  if (isAsExported(provenance)) return 'no record of pruning'
  const how = [...leftOut.map((layers) => `without ${leftOutText(layers)}`), ...steps.map(stepText)].join('; then ')
  const made = other === undefined ? undefined : isMadeFrom(provenance, other)
  if (made === undefined || other === undefined) return how
  return `${made ? basename(other.path) : 'another file'}: ${how}`
}

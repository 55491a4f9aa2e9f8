import { inspect, type LeftOutLayers, type PruningStep, readProvenance } from '@tp/compiler'
import type { ModelFile } from '@tp/data'

/** The record in a file of how it was made. */
export interface Provenance {
  readonly steps: readonly PruningStep[]
  readonly leftOut: readonly LeftOutLayers[]
}

/**
 * @example
 * const { steps, leftOut } = provenanceOf(await readModel('pruned.onnx'))
 */
export function provenanceOf({ model }: Pick<ModelFile, 'model'>): Provenance {
  const found = inspect(model)
  return { steps: readProvenance(model), leftOut: found.ok ? found.leftOut : [] }
}

/** Whether a file records no pruning. */
export function isAsExported({ steps, leftOut }: Provenance): boolean {
  return steps.length === 0 && leftOut.length === 0
}

/** Whether a file was made from another one; undefined where it does not say. */
export function isMadeFrom({ steps }: Provenance, other: Pick<ModelFile, 'hash'>): boolean | undefined {
  const sources = steps.flatMap(({ source }) => source ?? [])
  return sources.length === 0 ? undefined : sources.includes(other.hash())
}

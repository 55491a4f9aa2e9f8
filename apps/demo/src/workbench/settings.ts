import type { Inspection, Plan } from '@tp/compiler'

/** The settings of the page. */
export interface WorkbenchSettings {
  readonly method: string
  /** Keep ratio of each layer that prunes. */
  readonly keep: number
  /** Layers that prune; undefined: all but the first. */
  readonly layers: readonly number[] | undefined
}

/** The model as it is, less what none of its outputs reads: the pruned one is without that, too. */
export const densePlan: Plan = { format: 1, method: 'none' }

/** @param inspection in a file of several encoders, the one that is pruned; the others do not change */
export function planOf({ method, keep, layers }: WorkbenchSettings, inspection: Inspection | undefined): Plan {
  const encoder = inspection !== undefined && inspection.encoders.length > 1 ? inspection.encoder : undefined
  return { format: 1, method, ...(encoder !== undefined && { encoder }), ...(layers && { layers }), keep }
}

import type { Inspection, Plan } from '@tp/compiler'

/** What can be set on the page. */
export interface WorkbenchSettings {
  readonly method: string
  /** Share of the tokens that stay, at each layer where some leave. */
  readonly keep: number
  /** Layers where tokens leave; undefined: all but the first. */
  readonly layers: readonly number[] | undefined
}

/** The model as it is, less what none of its outputs reads: the pruned one is without that, too. */
export const densePlan: Plan = { format: 1, method: 'none' }

/** @param inspection in a file of several encoders, the one that is meant: the others stay as they are */
export function planOf({ method, keep, layers }: WorkbenchSettings, inspection: Inspection | undefined): Plan {
  const encoder = inspection !== undefined && inspection.encoders.length > 1 ? inspection.encoder : undefined
  return { format: 1, method, ...(encoder !== undefined && { encoder }), ...(layers && { layers }), keep }
}

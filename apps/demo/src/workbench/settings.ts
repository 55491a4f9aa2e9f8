import type { Inspection, Plan } from '@tp/compiler'

/** What can be set on the page. */
export interface Settings {
  readonly method: string
  /** Share of the tokens that stay, at each block where some leave. */
  readonly keep: number
  /** Blocks where tokens leave; undefined: all but the first. */
  readonly layers: readonly number[] | undefined
}

/** The model as it is, less what none of its outputs reads: the pruned one is without that, too. */
export const densePlan: Plan = { format: 1, method: 'none' }

/** @param inspection in a file of several encoders, the one that is meant: the others stay as they are */
export function planOf({ method, keep, layers }: Settings, inspection: Inspection | undefined): Plan {
  const tower = inspection !== undefined && inspection.towers.length > 1 ? inspection.tower : undefined
  return { format: 1, method, ...(tower !== undefined && { tower }), ...(layers && { layers }), keep }
}

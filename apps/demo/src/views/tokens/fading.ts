import type { TokenTrace } from '../../engine/token-trace.ts'

/** How one token looks after a step: kept, or pruned, and how long ago. */
export interface Fading {
  /** `kept`, or the layer that pruned it. */
  readonly prunedAt: 'kept' | number
  readonly gone: boolean
  /** From 0 (kept) to 1 (pruned at the first step). */
  readonly strength: number
}

/** @param step how many of the sites that prune are over, less one */
export function fadingOf({ prunedAt, steps }: TokenTrace, token: number, step: number): Fading {
  const layer = prunedAt[token]
  if (layer === undefined) return { prunedAt: 'kept', gone: false, strength: 0 }
  const at = steps.findIndex((each) => each.layer === layer)
  const gone = at <= step
  return { prunedAt: layer, gone, strength: gone ? 1 - at / (steps.length + 1) : 0 }
}

/** The tooltip of a token or patch. */
export function fadingText({ prunedAt }: Fading): string {
  return prunedAt === 'kept' ? 'kept to the end' : `pruned in layer ${prunedAt}`
}

import type { TokenTrace } from '../../engine/token-trace.ts'

/** How one token looks after a step: kept, or pruned, and how long ago. */
export interface Fading {
  /** `kept`, or the number of the layer that pruned it, counted from 1 for readers. */
  readonly prunedAt: 'kept' | number
  readonly gone: boolean
  /** From 0 (kept) to 1 (pruned at the first step). */
  readonly strength: number
}

/** @param step how far one looks; undefined: to the end */
export function fadingOf({ prunedAt, steps }: TokenTrace, token: number, step: number | undefined): Fading {
  const layer = prunedAt[token]
  if (layer === undefined) return { prunedAt: 'kept', gone: false, strength: 0 }
  const at = steps.findIndex((each) => each.layer === layer)
  const gone = at <= (step ?? steps.length)
  return { prunedAt: layer + 1, gone, strength: gone ? 1 - at / (steps.length + 1) : 0 }
}

/** What a token or patch says of itself when it is pointed at. */
export function fadingText({ prunedAt }: Fading): string {
  return prunedAt === 'kept' ? 'kept to the end' : `pruned at layer ${prunedAt}`
}

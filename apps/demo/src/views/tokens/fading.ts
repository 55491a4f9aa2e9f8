import type { Leaving } from '../../engine/leaving.ts'

/** How one token looks behind a step: still there, or gone, and how long ago. */
export interface Fading {
  /** `stays`, or the number of the layer it left at, counted from 1, as people do. */
  readonly left: 'stays' | number
  readonly gone: boolean
  /** From 0 (stays) to 1 (left at the first step). */
  readonly strength: number
}

/** @param step how far one looks; undefined: to the end */
export function fadingOf({ leftAt, steps }: Leaving, token: number, step: number | undefined): Fading {
  const layer = leftAt[token]
  if (layer === undefined) return { left: 'stays', gone: false, strength: 0 }
  const at = steps.findIndex((each) => each.layer === layer)
  const gone = at <= (step ?? steps.length)
  return { left: layer + 1, gone, strength: gone ? 1 - at / (steps.length + 1) : 0 }
}

/** What a token or patch says of itself when it is pointed at. */
export function fadingText({ left }: Fading): string {
  return left === 'stays' ? 'stays to the end' : `leaves at layer ${left}`
}

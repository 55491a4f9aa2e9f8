import type { Method } from '@tp/core'
import type { Contestant } from './options.ts'
import { scheduleOf } from './pruning.ts'
import type { Shares } from './search.ts'

/** A contestant as it can be run. */
export interface Named extends Contestant {
  readonly method: Method
  /** With its options, if it has any: `ats`, `tome {"metric":"keys"}`. */
  readonly name: string
}

/** A schedule of a contestant, and the time that is expected of it. */
export interface Candidate {
  readonly contestant: Named
  readonly shares: Shares
  readonly ms: number
  /** What the dense model answers again; default: nothing. */
  readonly again?: Again
}

/** Answers at least so uncertain are run again dense. */
export interface Again {
  readonly threshold: number
  /** Of the examples. */
  readonly share: number
  /** Milliseconds an example, mean over all. */
  readonly ms: number
}

/** The sooner first. */
export function byTime(a: Candidate, b: Candidate): number {
  return totalMs(a) - totalMs(b)
}

export function totalMs({ ms, again }: Candidate): number {
  return ms + (again?.ms ?? 0)
}

/** One that follows another takes at least so much more time. */
export const TIME_STEP = 1.04

/** `balanced: keep 0.8 at block 1, 0.75 at block 3` */
export function candidateText({ contestant, shares, again }: Candidate, sites: readonly number[]): string {
  const amounts = [...scheduleOf(sites, shares)].map(([block, { value }]) => `${value} at block ${block}`)
  const guarded = again === undefined ? '' : `, ${Math.round(100 * again.share)} % run again`
  return `${contestant.name}: keep ${amounts.join(', ')}${guarded}`
}

import type { QuantizeOptions } from '@tp/compiler'
import { type Method, methodEntry, none } from '@tp/core'
import type { Variant } from './options.ts'
import { scheduleOf, type TunedPruning } from './pruning.ts'
import type { Shares } from './search.ts'

/** A variant as it can be run. */
export interface NamedVariant extends Variant {
  readonly method: Method
  /** Layers that are left out first. */
  readonly leaveOut?: readonly number[]
  /** The weights are stored in 8 bits afterwards. */
  readonly quantize?: QuantizeOptions
  /** With its options, if it has any, and its form: `ats`, `tome {"metric":"keys"}`, `sdtp in 8 bits`, `none without layer 3`. */
  readonly name: string
}

export function namedVariant(variant: Variant): NamedVariant {
  const { entry, params } = variant
  const options = params === undefined ? '' : ` ${JSON.stringify(params)}`
  return { ...variant, method: entry.create(params), name: `${entry.name}${options}` }
}

/** A schedule of a variant, and its expected time. */
export interface Candidate {
  readonly variant: NamedVariant
  readonly shares: Shares
  readonly ms: number
  /** The fallback to the dense model; default: none. */
  readonly fallback?: Fallback
}

/** Answers of at least this uncertainty fall back to the dense model. */
export interface Fallback {
  readonly threshold: number
  /** Share of the examples. */
  readonly share: number
  /** Milliseconds per example, mean over all. */
  readonly ms: number
}

/** The faster first. */
export function byTime(a: Candidate, b: Candidate): number {
  return totalMs(a) - totalMs(b)
}

/** Whether all tokens are kept. */
export function isWhole({ shares }: Candidate): boolean {
  return shares.every((share) => share === 1)
}

export function totalMs({ ms, fallback }: Candidate): number {
  return ms + (fallback?.ms ?? 0)
}

/** Two candidates differ in time by at least this factor. */
export const TIME_STEP = 1.04

export function pruningOf(
  { variant: { method, leaveOut, quantize }, shares }: Pick<Candidate, 'variant' | 'shares'>,
  sites: readonly number[],
): TunedPruning {
  return { method, schedule: scheduleOf(sites, shares), ...(leaveOut && { leaveOut }), ...(quantize && { quantize }) }
}

/** Every token is kept; layers may be left out, and the weights stored in 8 bits. */
export function unprunedVariant({
  leaveOut,
  quantize,
}: {
  readonly leaveOut?: readonly number[] | undefined
  readonly quantize?: QuantizeOptions | undefined
}): NamedVariant {
  const without = leaveOut && ` without ${leaveOut.length === 1 ? 'layer' : 'layers'} ${leaveOut.join(', ')}`
  const name = `none${without ?? ''}`
  return {
    ...{ entry: methodEntry(none, 'keeps every token'), method: none() },
    name: `${name}${eightBitsName(quantize)}`,
    ...(leaveOut && { leaveOut }),
    ...(quantize && { quantize }),
  }
}

/** The part of a variant's name about 8 bits: empty without 8 bits; else the options that are set. */
export function eightBitsName(quantize: QuantizeOptions | undefined): string {
  if (quantize === undefined) return ''
  return ` in 8 bits${Object.keys(quantize).length === 0 ? '' : ` ${JSON.stringify(quantize)}`}`
}

/** `balanced: keep 0.8 at layer 1, 0.75 at layer 3` */
export function candidateText({ variant, shares, fallback }: Candidate, sites: readonly number[]): string {
  const amounts = [...scheduleOf(sites, shares)].map(([layer, { value }]) => `${value} at layer ${layer}`)
  const guarded = fallback === undefined ? '' : `, ${Math.round(100 * fallback.share)} % fall back`
  return amounts.length === 0 ? variant.name : `${variant.name}: keep ${amounts.join(', ')}${guarded}`
}

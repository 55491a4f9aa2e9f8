import type { Plan, QuantizeOptions } from '@tp/compiler'
import { type Method, methodEntry, none, type RecipeLayers, type ScheduleOptions } from '@tp/core'
import type { Variant } from '../options.ts'
import { type Common, type Shares, scheduleOf, type TunedPruning } from './pruning.ts'

/** The form of a model's file, whatever tokens it prunes. */
export interface ModelForm {
  /** The weights are stored in 8 bits. */
  readonly quantize?: QuantizeOptions
  /** Padding of batches costs nothing. */
  readonly pack?: true
}

/** A variant as it can be run. */
export interface NamedVariant extends Variant, ModelForm {
  readonly method: Method
  /** Ways to divide pruning among layers. */
  readonly layers: readonly RecipeLayers[]
  /** Layers at which it can prune, in the numbers of those that remain where some are left out. */
  readonly sites: readonly number[]
  /** Layers that are left out first. */
  readonly leaveOut?: readonly number[]
  /** With its options, if it has any, and its form: `ats`, `tome {"metric":"keys"}`, `sdtp in 8 bits, packed`, `none without layer 3`. */
  readonly name: string
}

/** Where methods without recipes are tried. */
const USUAL_LAYERS: readonly RecipeLayers[] = ['every', 'but-first', 'thirds', 'middle']

/** @param sites layers at which it can prune */
export function namedVariant(variant: Variant, sites: readonly number[]): NamedVariant {
  const { entry, params, layers = USUAL_LAYERS } = variant
  const options = params === undefined ? '' : ` ${JSON.stringify(params)}`
  return { ...variant, layers, sites, method: entry.create(params), name: `${entry.name}${options}` }
}

/** A variant with a schedule. */
export interface Candidate {
  readonly variant: NamedVariant
  readonly shares: Shares
  /** Its time at the shapes, relative to the dense model in float32: estimated, or measured. */
  readonly pace: number
  /** The fallback to the dense model; default: none. */
  readonly fallback?: Fallback
}

/** Answers of at least this uncertainty fall back to the dense model. */
export interface Fallback {
  readonly threshold: number
  /** Share of the examples, which is also what they add to the pace. */
  readonly share: number
}

/** The faster first. */
export function byTime(a: Candidate, b: Candidate): number {
  return totalPace(a) - totalPace(b)
}

/** Whether a variant only removes dead tokens. */
export function isExact({ name }: Pick<NamedVariant, 'name'>): boolean {
  return name === 'none'
}

/** Whether all tokens are kept. */
export function isWhole({ shares }: Pick<Candidate, 'shares'>): boolean {
  return shares.every((share) => share === 1)
}

export function totalPace({ pace, fallback }: Candidate): number {
  return pace + (fallback?.share ?? 0)
}

export function pruningOf({
  variant: { method, sites, leaveOut, quantize, pack },
  shares,
}: Pick<Candidate, 'variant' | 'shares'>): TunedPruning {
  return {
    ...{ method, schedule: scheduleOf(sites, shares) },
    ...(leaveOut && { leaveOut }),
    ...(quantize && { quantize }),
    ...(pack && { pack }),
  }
}

/** The model with every token, in a form, and maybe without layers. Its shares are none. */
export function unprunedVariant(how: ModelForm & Pick<NamedVariant, 'leaveOut'>): NamedVariant {
  const entry = methodEntry(none, 'keeps every token')
  return inForm({ entry, method: none(), layers: [], sites: [], name: 'none' }, how)
}

/** A variant of the model in a form, and without the layers that are left out. */
export function inForm(
  variant: NamedVariant,
  { quantize, pack, leaveOut }: ModelForm & Pick<NamedVariant, 'leaveOut'>,
): NamedVariant {
  const how = { ...(leaveOut && { leaveOut }), ...(quantize && { quantize }), ...(pack && { pack }) }
  const without = leaveOut ? ` without ${leaveOut.length === 1 ? 'layer' : 'layers'} ${leaveOut.join(', ')}` : ''
  return { ...variant, ...how, name: `${variant.name}${without}${formName(how)}` }
}

/** Empty in float32, not packed; else with the options of 8 bits that are set. */
function formName({ quantize, pack }: ModelForm): string {
  const options = quantize && Object.keys(quantize).length > 0 ? ` ${JSON.stringify(quantize)}` : ''
  return `${quantize ? ` in 8 bits${options}` : ''}${pack ? ', packed' : ''}`
}

/** `balanced: keep 0.8 at layer 1, 0.75 at layer 3` */
export function candidateText({ variant, shares, fallback }: Candidate): string {
  const amounts = [...scheduleOf(variant.sites, shares)].map(([layer, { value }]) => `${value} at layer ${layer}`)
  const guarded = fallback === undefined ? '' : `, ${Math.round(100 * fallback.share)} % fall back`
  return amounts.length === 0 ? variant.name : `${variant.name}: keep ${amounts.join(', ')}${guarded}`
}

export function planOf(
  { variant: { entry, params, sites, leaveOut, quantize, pack }, shares }: Pick<Candidate, 'variant' | 'shares'>,
  pruning: Common,
): Plan {
  const schedule = scheduleOf(sites, shares)
  const amounts: ScheduleOptions = {
    layers: [...schedule.keys()],
    keep: [...schedule.values()].map(({ value }) => value),
  }
  return {
    ...{ format: 1, method: entry.name, ...(params && { params }) },
    ...(schedule.size > 0 && { ...pruning, ...amounts }),
    ...(leaveOut && { leaveOut }),
    ...(quantize && { quantize }),
    ...(pack && { pack }),
  }
}

import type { NamedEncoder, Plan, QuantizeOptions } from '@tp/compiler'
import {
  type Method,
  type MethodEntry,
  methodEntry,
  none,
  type RecipeLayers,
  type Schedule,
  type ScheduleOptions,
  schedule as scheduleBy,
  sequence,
} from '@tp/core'
import type { Variant } from '../options.ts'
import { type Common, type Shares, scheduleOf, type TunedPruning } from './pruning.ts'

/** The form of a model's file, whatever tokens are pruned by rising strength. */
export interface ModelForm {
  /** A method that decides by itself how many tokens are kept, and acts first, at the first layer. */
  readonly before?: MethodEntry
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

/** Whether a variant only removes dead tokens, which needs no trial. */
export function isExact({ name }: Pick<NamedVariant, 'name'>): boolean {
  return name === 'none'
}

/** Whether answers are the dense model's on any examples: no layer is left out, nothing is rounded, and only what is not read is dropped. */
export function keepsAnswers({ entry, method, leaveOut, quantize }: NamedVariant): boolean {
  if (leaveOut !== undefined || quantize !== undefined) return false
  return entry.name === 'none' || method.lossless === true
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
    ...{ method, schedule: method.unscheduled ? atFirstLayer : scheduleOf(sites, shares) },
    ...(leaveOut && { leaveOut }),
    ...(quantize && { quantize }),
    ...(pack && { pack }),
  }
}

/** Where a method acts that needs no amount. */
function atFirstLayer({ open, layerCount }: NamedEncoder): Schedule {
  return open < layerCount ? scheduleBy(layerCount, { layers: [open], keep: 1 }) : new Map()
}

/** The model with every token but those that the form drops, and maybe without layers. Its shares are none. */
export function unprunedVariant(how: ModelForm & Pick<NamedVariant, 'leaveOut'>): NamedVariant {
  const { before: entry = methodEntry(none, 'keeps every token'), ...others } = how
  const variant = inForm({ entry, method: entry.create(), layers: [], sites: [], name: entry.name }, others)
  return how.before === undefined ? variant : { ...variant, before: how.before }
}

/**
 * A variant of the model in a form, and without the layers that are left out.
 * @throws TpError TP_OPTION for a method before which another cannot act
 */
export function inForm(
  own: NamedVariant,
  { before, quantize, pack, leaveOut }: ModelForm & Pick<NamedVariant, 'leaveOut'>,
): NamedVariant {
  const variant = before === undefined ? own : after(before, own)
  const how = { ...(leaveOut && { leaveOut }), ...(quantize && { quantize }), ...(pack && { pack }) }
  const without = leaveOut ? ` without ${leaveOut.length === 1 ? 'layer' : 'layers'} ${leaveOut.join(', ')}` : ''
  return { ...variant, ...how, name: `${variant.name}${without}${formName(how)}` }
}

/** A variant before which another method acts. */
function after(before: MethodEntry, { entry, method, ...own }: NamedVariant): NamedVariant {
  const name = `${before.name}+${entry.name}`
  const both = sequence(before.create(), method)
  return {
    ...{ ...own, before, method: both, name: `${before.name}+${own.name}` },
    entry: { ...entry, name, create: (options) => sequence(before.create(), entry.create(options)) },
  }
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
  {
    variant: { entry, method, params, sites, leaveOut, quantize, pack },
    shares,
  }: Pick<Candidate, 'variant' | 'shares'>,
  pruning: Common,
): Plan {
  const schedule = scheduleOf(sites, shares)
  const amounts: ScheduleOptions = {
    layers: [...schedule.keys()],
    keep: [...schedule.values()].map(({ value }) => value),
  }
  return {
    ...{ format: 1, method: entry.name, ...(params && { params }) },
    ...((schedule.size > 0 || method.unscheduled) && pruning),
    ...(schedule.size > 0 && amounts),
    ...(leaveOut && { leaveOut }),
    ...(quantize && { quantize }),
    ...(pack && { pack }),
  }
}

import {
  leaveOut,
  type PlannedTransform,
  type PruneOptions,
  pack,
  prune,
  type QuantizeOptions,
  quantize,
  type Transformed,
  transform,
} from '@tp/compiler'
import { type Method, none, type Schedule } from '@tp/core'
import { scheduleOfShares } from '@tp/core/host'
import type { Model } from '@tp/onnx'

/** By site: the share of all tokens kept up to there; it never rises. */
export type Shares = readonly number[]

/** Tokens that every candidate keeps. */
export type Protection = Pick<PruneOptions, 'protect' | 'protectSegment' | 'separator'>

/** The options that all candidates share. */
export type Common = Protection & Pick<PruneOptions, 'encoder'>

/** The changes to a model. */
export interface TunedPruning {
  /** Layers that are left out before tokens are pruned. */
  readonly leaveOut?: readonly number[]
  /** Stores the weights in 8 bits. */
  readonly quantize?: QuantizeOptions
  /** Packs the result. */
  readonly pack?: true
  readonly method: Method
  readonly schedule: PruneOptions['schedule']
}

/** Nothing but the removal of dead tokens. */
export const unpruned: TunedPruning = { method: none(), schedule: new Map() }

/** A model with its pruning. @throws Refused */
export function pruned(
  model: Model,
  { leaveOut: layers, quantize: form, pack: isPacked, ...pruning }: TunedPruning,
  common: Common = {},
): Transformed<readonly PlannedTransform[]> {
  const { encoder } = common
  return transform(
    model,
    ...(layers === undefined ? [] : [leaveOut({ layers, encoder })]),
    prune({ ...common, ...pruning }),
    ...(form === undefined ? [] : [quantize(form)]),
    ...(isPacked ? [pack()] : []),
  )
}

/** Keep ratios of the tokens that arrive, at layers where any are pruned. */
export function scheduleOf(sites: readonly number[], shares: Shares): Schedule {
  return new Map([...scheduleOfShares(sites, shares)].filter(([, { value }]) => value < 1))
}

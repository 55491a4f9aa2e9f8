import { type Pruned, type PruneOptions, pruneOrThrow } from '@tp/compiler'
import { type Method, none, type Schedule } from '@tp/core'
import { scheduleOfShares } from '@tp/core/host'
import type { Model } from '@tp/onnx'
import type { Shares } from './search.ts'

/** Tokens that every candidate keeps. */
export type Protection = Pick<PruneOptions, 'protect' | 'protectSegment' | 'separator'>

/** What all candidates have in common. */
export type Common = Protection & Pick<PruneOptions, 'encoder'>

/** What is done to a model. */
export interface Pruning extends Pick<PruneOptions, 'leaveOut' | 'quantize'> {
  readonly method: Method
  readonly schedule: Schedule
}

/** Nothing but the removal of dead tokens. */
export const unpruned: Pruning = { method: none(), schedule: new Map() }

/** A model with its pruning. @throws TpError with the code of a refusal */
export function pruned(model: Model, pruning: Pruning, common: Common = {}): Pruned {
  return pruneOrThrow(model, { ...common, ...pruning }, 'tune')
}

/** Keep ratios of the tokens that arrive, at layers where any are pruned. */
export function scheduleOf(sites: readonly number[], shares: Shares): Schedule {
  return new Map([...scheduleOfShares(sites, shares)].filter(([, { value }]) => value < 1))
}

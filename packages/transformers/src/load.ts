import type { Plan } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import type { PruneOutcome } from './model-report.ts'

/** A plan, and where its method is looked for. */
export interface LoadRecipe {
  readonly plan: Plan
  readonly methods: readonly MethodEntry[]
}

/** A model on its way from `from_pretrained`, which knows its name, to its session, which is made of its bytes. */
export interface Load {
  readonly recipe: LoadRecipe
  /** A decoder in a file of its own reads what the encoder produces: only that is pruned. */
  readonly hasDecoder: boolean
  /** Its decoder was exported for a fixed number of states, and is made to read any. */
  readonly repairsDecoder?: boolean
  /** Set when its session is made. */
  outcome?: PruneOutcome
}

/**
 * Where a `Load` travels among the session options, which transformers.js hands on as they are. Sessions without one (its own
 * small graphs, models without a plan) are none of our business.
 */
export const LOAD: unique symbol = Symbol('tp.load')

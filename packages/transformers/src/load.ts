import type { Plan } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import type { Model } from '@tp/onnx'
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
  /** Its decoder is made to read any number of states, and to weigh each by how many it stands for if the plan says so. */
  readonly repairsDecoder?: boolean
  /**
   * The dense encoder, once its session is begun, if its states say how much each counts: its decoder needs it to read that.
   * Sessions are begun in the order of the files, but may wait for each other, so a decoder that comes first does not wait.
   */
  encoder?: Promise<Model | undefined>
  /** Whether the decoder weighs states; absent where no plan says it. */
  weighs?: boolean
  /** The session of the encoder was begun after that of the decoder. */
  isLate?: boolean
  /** Set when its session is made. */
  outcome?: PruneOutcome
}

/**
 * Where a `Load` travels among the session options, which transformers.js hands on as they are. Sessions without one (its own
 * small graphs, models without a plan) are none of our business.
 */
export const LOAD: unique symbol = Symbol('tp.load')

import type { Invariance } from './invariance.ts'
import type { Arrangement } from './trials.ts'

/** The examples that were compared, and how near a changed model is to its source. */
export interface Verification {
  /** How many random examples, prompts or caches. */
  readonly examples: number
  /** Of texts and prompts: their tokens, ascending. */
  readonly lengths: readonly number[]
  /** How they were put together, without arrangements in which the source itself answers otherwise than alone. */
  readonly arrangements: readonly Arrangement[]
  /** The largest difference of a number, relative where it exceeds 1: of changes that are exact, and of pruned models with every token kept. */
  readonly difference?: number
  /** The largest distance of an output as a share of its size (2-norms), where something is computed in 8 bits. */
  readonly rounding?: number
  /** In how many examples the changed model keeps another of two tokens whose scores are nearly equal, which rounding decides. */
  readonly nearTies?: number
  /** Of pruned models: how many examples got the answers that they get alone. */
  readonly invariance?: Invariance
}

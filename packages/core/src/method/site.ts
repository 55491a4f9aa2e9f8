import type { Tensor } from '../expression/tensor.ts'

/** Named tensors: a method's trained values, or the state that it carries from layer to layer. */
export type Values = Readonly<Record<string, Tensor>>

/** Axes of a value by name: `N` tokens, `D` hidden size, `D/2` half of it (rounded down), `H` heads; a number is a fixed size. */
export interface Spec {
  readonly dims: readonly (number | string)[]
  readonly init: number | 'identity'
}

/**
 * The values that a method may read where tokens can be pruned: after the attention sub-layer of a layer, before its FFN. Lazy:
 * what `reduce` touches is what the method requires, and a getter that the model cannot serve refuses with a reason. All
 * numbers are float32, even in a model of half precision.
 */
export interface Site {
  /** Number of this layer, from 0. */
  readonly layer: number
  readonly layerCount: number
  /** float32 [B,N,D] after the attention sub-layer's residual (and norm, if post-norm) */
  readonly hidden: Tensor
  /** float32 [B,H,N,Dh] */
  readonly query: Tensor
  /** float32 [B,H,N,Dh] */
  readonly key: Tensor
  /** float32 [B,H,N,Dh] */
  readonly value: Tensor
  /** float32 [B,H,N,N] probabilities; axis 2 is the query */
  readonly attention: Tensor
  /** Probabilities of chosen query rows only, recomputed from queries and keys. rows int64 [B,Q] → float32 [B,H,Q,N] */
  attentionFrom(rows: Tensor): Tensor
  /** float32 [B,H,N] the class token's row of the probabilities, recomputed, so that the full matrix need not be kept */
  readonly clsAttention: Tensor
  /** Tokens see only earlier ones, and themselves. */
  readonly isCausal: boolean
  /** float32 [B,N] mean over heads and over the real query rows that see each token (all of them, but in a causal encoder) of the attention to it */
  readonly received: Tensor
  /** bool [B,N] attended: a real token, not padding */
  readonly attended: Tensor
  /** bool [B,N] padding, as an input of the model marks it. Unlike `attended` it is refused where none does: `TP_MASK` */
  readonly padding: Tensor
  /**
   * bool [B,N] made from a part of the input that carries a signal: false for what fills an example up to a fixed length and no mask
   * marks, such as silence after speech
   */
  readonly signal: Tensor
  /** bool [B,N] a real token that is always kept */
  readonly protectedTokens: Tensor
  /** float [B,N] index of each token among the real ones of the model's input, from 0; padding has none of its own */
  readonly position: Tensor
  /** float [B,N] 0, 1, 2, … in every example: index of each token among those that arrive, padding included */
  readonly index: Tensor
  /** float [B,N] ordinal of each token among the real ones, from 0, protected ones first; padding has none of its own */
  readonly ordinal: Tensor
  /**
   * How many tokens are protected, where these are the first ones and no example has padding: ordinals are indices then, and one
   * slice takes the same tokens of every example. Absent elsewhere.
   */
  readonly leading?: number | undefined
  /** float [B,N] how many tokens of the input each one stands for; 1 where nothing was merged */
  readonly size: Tensor
  /** float [B] real tokens now */
  readonly count: Tensor
  /** Absent at a layer that the schedule does not name: observe only. */
  readonly budget?: Budget
  readonly param: Values
  readonly carried: Values
}

/** How many tokens are kept at this site, as the schedule says. */
export interface Budget {
  /** float [B] tokens kept of each example, protected ones included; absent where only the scores decide (threshold, mass) */
  readonly keep?: Tensor
  /**
   * score [B,N] → bool [B,N]: the schedule's rule applied to a score (higher is kept). Protected tokens are always
   * kept and padding never. NaN ranks last. `extra`: keeps this many more of the next best tokens.
   */
  select(score: Tensor, extra?: 0 | 1): Tensor
}

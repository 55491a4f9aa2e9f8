import type { Tensor } from '../expression/tensor.ts'
import type { LearnedSpec, Training } from './training.ts'

/** Version of this contract; a plugin states the major it was built for (see `docs/plugins.md`). */
export const contractVersion = 1

/** Named tensors: a method's trained values, or the state that it carries from layer to layer. */
export type Values = Readonly<Record<string, Tensor>>

/** Axes of a value by name: `N` tokens, `D` hidden size, `D/2` half of it (rounded down), `H` heads; a number is a fixed size. */
export interface Spec {
  readonly dims: readonly (number | string)[]
  readonly init: number | 'identity'
}

export type Reduces = 'fuse' | 'pair'

/**
 * One way to choose the tokens that stay. A frozen plain object, made by a factory: `clsAttention()`.
 *
 * Shapes everywhere: B batch, N tokens at this site, H heads, D hidden size, Dh head size. A method decides over the
 * site's own N tokens; the host compacts the hidden states and everything else that has a token axis.
 */
export interface Method {
  /** `cls-attention` */
  readonly name: string
  readonly family: 'attention' | 'gradient' | 'reinforcement' | 'hybrid' | 'baseline'
  readonly paper?: { readonly title: string; readonly arxiv?: string }
  /** Trained values that the method needs, one set a layer; given to `reduce` as `site.param`. A function: for each layer. */
  readonly params?:
    | Readonly<Record<string, LearnedSpec>>
    | ((layer: number) => Readonly<Record<string, LearnedSpec>> | undefined)
  /**
   * Where tokens leave: behind the attention of a layer, before its FFN (default), or at the layer's `input`. There the
   * layer has computed nothing yet, so that a method goes by what it carries; it observes, without a budget, behind the
   * attention of every layer.
   */
  readonly site?: 'attention' | 'input'
  /**
   * Tokens that leave come back as they left, where the next ones leave and before the head. Only at the `input`, by
   * count, and without merging.
   */
  readonly returns?: boolean
  /** State from layer to layer; if given, `reduce` also observes the layers that the schedule does not name. */
  readonly carry?: Readonly<Record<string, Spec>>
  /** Its scores may be negative, so that a share of their sum means nothing: the host refuses to select by mass. */
  readonly signed?: boolean | ((layer: number) => boolean)
  /**
   * Where what becomes of the tokens that leave changes how many stay: `fuse` keeps one token more than the schedule
   * says, for all that leave; `pair` lets at most half of the tokens leave that may. A function: for each layer.
   */
  readonly reduces?: Reduces | ((layer: number) => Reduces | undefined)
  /**
   * It decides by the data how many tokens are kept: at most as many as the schedule says, and perhaps fewer where that is all
   * of them. Without it, a schedule that keeps all tokens must give the dense model's answer.
   */
  readonly adaptive?: boolean
  /** Which tokens stay. Pure: builds an expression, once for each layer. */
  reduce(site: Site): Reduction
  /** Absent: there is nothing to learn but the encoder's own weights. */
  readonly training?: Training
}

/**
 * What a method may look at where tokens may leave: after the attention sub-layer of a layer, before its FFN. Lazy:
 * what `reduce` touches is what the method needs, and a getter that the model cannot serve refuses with a reason. All numbers are
 * float32, also in a model of half precision.
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
  /** float32 [B,N] mean over heads and real query rows of the attention to each token */
  readonly received: Tensor
  /** bool [B,N] a real token */
  readonly attended: Tensor
  /** bool [B,N] a real token that must stay */
  readonly protectedTokens: Tensor
  /** float [B,N] index of each token in the model's input */
  readonly position: Tensor
  /** float [B,N] 0, 1, 2, … in every row: index of each token among those that are there, padding included */
  readonly index: Tensor
  /** float [B,N] place of each token among the real ones, from 0, protected ones first; padding has none of its own */
  readonly ordinal: Tensor
  /** float [B,N] how many tokens of the input each one stands for; 1 where nothing was merged */
  readonly size: Tensor
  /** float [B] real tokens now */
  readonly count: Tensor
  /** Absent at a layer that the schedule does not name: observe only. */
  readonly budget?: Budget
  readonly param: Values
  readonly carried: Values
}

/** How many tokens may stay at this site, as the schedule says. */
export interface Budget {
  /** float [B] tokens that each row keeps, protected ones included; absent where only the scores decide (threshold, mass) */
  readonly keep?: Tensor
  /**
   * score [B,N] → bool [B,N]: the schedule's rule applied to a score (higher stays); attended and fixed are obeyed. NaN ranks last.
   * `extra`: so many of the next best tokens stay as well.
   */
  select(score: Tensor, extra?: 0 | 1): Tensor
}

/**
 * What becomes of the tokens of a site. A token that does not stay is dropped, unless `into` says which one takes it in.
 * Protected tokens and padding take no part in merging, and take nothing in.
 */
export interface Reduction {
  /** bool [B,N]: the tokens that stay; the host adds the protected ones and takes padding away */
  readonly keep: Tensor
  /**
   * [B,N]: `index` of the kept token that takes this one in, as integers or floats; -1, or one that is not kept: dropped.
   *
   * float [B,N,N]: what part of token i joins token j, where one joins several. Parts are not negative, and a row says by its
   * sum how much of the token is merged at all: 1, all of it. Parts that go to tokens that take nothing in (removed, protected,
   * padding) are divided among the others by theirs, so that the sum is kept; where there are no others, the token is dropped.
   */
  readonly into?: Tensor
  /**
   * What a token becomes together with those that it takes in: their `mean` by weight (default); their weighted `sum`,
   * itself with weight 1 unless an `into` [B,N] names it, too; or their mean stretched to the `norm` of the longest of them.
   */
  readonly merge?: 'mean' | 'sum' | 'norm'
  /** float [B,N] weight of each token in what it becomes part of; default: its size */
  readonly weight?: Tensor
  /** float [B,N] what each token adds to the size of what it becomes part of; default: its size. `none`: sizes stay */
  readonly mass?: Tensor | 'none'
  /** From here on the logarithm of a token's size is added to every score of its key: proportional attention. */
  readonly proportional?: boolean
  /** float [B,N] what the tokens that stay are sorted by, behind the protected ones; default: they keep their order */
  readonly order?: Tensor
  /** New state, before compaction; [B,N] or [B,N,N] as declared in `carry` */
  readonly carry?: Values
}

import type { Tensor } from '../expression/tensor.ts'
import type { Site, Spec, Values } from './site.ts'
import type { LearnedSpec, Training } from './training.ts'

/** Version of this contract; a plugin states the major it was built for (see `docs/plugins.md`). */
export const contractVersion = 1

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

import type { Tensor } from '../expression/tensor.ts'
import type { Site, Spec, Values } from './site.ts'
import type { LearnedSpec, Training } from './training.ts'

/** Version of this contract; a plugin states the major it was built for (see `docs/plugins.md`). */
export const contractVersion = 1

export type Reduces = 'fuse' | 'pair'

/**
 * One way to choose the tokens to keep. A frozen plain object, made by a factory: `clsAttention()`.
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
   * Where tokens are pruned: after the attention of a layer, before its FFN (default), or at the layer's `input`. There the
   * layer has computed nothing yet, so the method decides by the state that it carries; it observes, without a budget, after
   * the attention of every layer.
   */
  readonly site?: 'attention' | 'input'
  /**
   * Pruned tokens come back unchanged at the next site and before the head. Only at the `input`, by count, and without
   * merging.
   */
  readonly returns?: boolean
  /**
   * It says what the final state of each pruned token would have been (`Reduction.final`), so that a mean over tokens goes on
   * counting all of them: unless the head reads single tokens alone, pruned ones are restored upstream of it by default.
   */
  readonly completes?: boolean
  /**
   * State from layer to layer: its axes are [N], [N,N], or [N,S] with a number, `D` or a part of it for S. If given, `reduce` also
   * observes the layers that the schedule does not name.
   */
  readonly carry?: Readonly<Record<string, Spec>>
  /** Its scores may be negative, so a share of their sum means nothing: the host refuses to select by mass. */
  readonly signed?: boolean | ((layer: number) => boolean)
  /**
   * Set if the reduction changes how many tokens are kept: `fuse` keeps one more than the schedule says, which stands for
   * all pruned ones; `pair` prunes at most half of the tokens that are not protected. A function: for each layer.
   */
  readonly reduces?: Reduces | ((layer: number) => Reduces | undefined)
  /**
   * The data decide how many tokens are kept: at most as many as the schedule says, and possibly fewer where that is all of
   * them. Without it, a schedule that keeps all tokens must give the dense model's answer.
   */
  readonly adaptive?: boolean
  /**
   * It decides by itself how many tokens are kept: a schedule only says at which layers, by default at the first that is open, and
   * its amounts are not obeyed.
   */
  readonly unscheduled?: boolean
  /**
   * It drops padding alone, at the `input`, so that answers are the dense model's: a model that reads padding itself (a mean without the
   * mask) is refused.
   */
  readonly lossless?: boolean
  /**
   * A method that acts before it, see `sequence`: once, at the input of the first layer that is open, where the schedule names any
   * layer. It is `unscheduled`.
   */
  readonly before?: Method
  /** Which tokens are kept. Pure: builds an expression, once for each layer. */
  reduce(site: Site): Reduction
  /** Absent: there is nothing to learn but the encoder's own weights. */
  readonly training?: Training
}

/**
 * The fate of the tokens of a site. A token that is not kept is dropped, unless `into` names one to merge it into.
 * Protected tokens and padding take no part in merging: they are not merged, and nothing is merged into them.
 */
export interface Reduction {
  /** bool [B,N]: the kept tokens; the host adds the protected ones and removes padding */
  readonly keep: Tensor
  /**
   * [B,N]: `index` of the kept token to merge this one into, as integers or floats; -1, or one that is not kept: dropped.
   *
   * float [B,N,N]: what part of token i is merged into token j, where one is merged into several. Parts are not negative; the
   * sum over j says how much of token i is merged at all (1: all of it). Parts for tokens that nothing is merged into (removed,
   * protected, padding) are divided among the others in proportion, so the sum is kept; without others the token is dropped.
   */
  readonly into?: Tensor
  /**
   * How a token and those merged into it are combined: their `mean` by weight (default); their weighted `sum`,
   * itself with weight 1 unless an `into` [B,N] names it, too; or their mean scaled to the `norm` of the longest of them.
   */
  readonly merge?: 'mean' | 'sum' | 'norm'
  /** float [B,N] weight of each token in the merged one; default: its size */
  readonly weight?: Tensor
  /**
   * float [B,N] what each token adds to the size of the merged one; default: its size. `none`: sizes do not change. Without `into`:
   * the size of each kept token
   */
  readonly mass?: Tensor | 'none'
  /** From here on the logarithm of a token's size is added to every score of its key: proportional attention. */
  readonly proportional?: boolean
  /**
   * bool [B,N]: kept tokens that stand outside every later choice: they are protected, and not counted by the amounts of later
   * layers.
   */
  readonly aside?: Tensor
  /** float [B,N] what the kept tokens are sorted by, after the protected ones; default: they keep their order */
  readonly order?: Tensor
  /**
   * float [B,N,D], the shape of `hidden`: what the state of each token after the last layer is taken to be if it is pruned here.
   * Where tokens are restored upstream of the head, pruned ones get it instead of the state that they had; only with `completes`.
   */
  readonly final?: Tensor
  /**
   * An addition to `final` where tokens are restored, the same for all that are pruned here: [B,D] → [B,D], of the mean of the kept
   * tokens' states after the last layer. These differ from what they would have been, which such an addition may correct in a mean.
   */
  readonly context?: (kept: Tensor) => Tensor
  /** New state, before compaction; [B,N], [B,N,N] or [B,N,S], as declared in `carry` */
  readonly carry?: Values
}

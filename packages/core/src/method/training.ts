import type { ConstantData, Tensor } from '../expression/tensor.ts'
import type { Schedule } from './schedule.ts'
import type { Site, Spec, Values } from './site.ts'

/**
 * How a method learns where tokens leave. While it learns, all of them stay: its soft form does to the answer what their
 * leaving will do, in a way that has a gradient in the learned values and in the encoder's weights. Afterwards `harden`
 * says at which amounts they leave.
 */
export interface Training {
  /** Values that learn, one set a layer (see `per`). A function: for each layer. Default: the method's `params`. */
  readonly params?: Readonly<Record<string, LearnedSpec>> | ((layer: number) => Readonly<Record<string, LearnedSpec>>)
  /** Parts of the training, one after another; default: one, in which everything learns. */
  readonly stages?: readonly Stage[]
  /** How often each example stands in a batch: so many samples of a policy are compared with each other. Default 1. */
  readonly copies?: number
  /**
   * Whose states `SoftSite.saliency` is of: what the first layer is given (`start`, the default), or what the first layer that
   * tokens are to leave at gives on (`behind`).
   */
  readonly saliencyAt?: 'start' | 'end'
  /** The least share that `SoftSite.ratio` asks for. Default 0.5. */
  readonly lowest?: number
  /** Built once for each layer that tokens are to leave at. Pure. */
  soften(site: SoftSite): Softened
  /**
   * The amounts that were learned, by layer. Default: those that were asked for.
   * @param learned values by name, of each layer
   * @param about the encoder, and tokens of each example that was learned from; no lengths: all have as many
   */
  harden?(learned: ReadonlyMap<number, Learned>, about: LearnedFrom): Schedule
}

/** What a method learned in. */
interface LearnedFrom {
  readonly layerCount: number
  readonly lengths?: readonly number[] | undefined
}

/** Values by name, as they were learned at one layer. */
export type Learned = Readonly<Record<string, ConstantData>>

/** A value that learns. A size may also be `T`: the most tokens that an example of the training has. */
export interface LearnedSpec extends Omit<Spec, 'init'> {
  /** Where learning begins; `glorot`: small random numbers by fan-in and fan-out (Glorot & Bengio, AISTATS 2010). */
  readonly init: Spec['init'] | 'glorot'
  /** Its learning rate as a multiple of that of other learned values; default 1. */
  readonly rate?: number
  /** It is put back into this range after every step. */
  readonly range?: readonly [number, number]
  /** `model`: all layers share one value. Default: one for each layer. */
  readonly per?: 'layer' | 'model'
  /** The method does without it while nothing was learned: weights files need not have it. */
  readonly optional?: boolean
}

/** A part of a training. */
export interface Stage {
  readonly name: string
  /** Its part of all steps, as a weight. */
  readonly share: number
  /** Whether only the method's own values learn, or the encoder's weights, too. */
  readonly learns: 'method' | 'all'
  /**
   * Weights of the terms of the loss, by the names of `Softened.losses`, and of those that every method has: `task`,
   * `cost`, and `policy` where there are log-probabilities. Default 1 each.
   */
  readonly terms?: Readonly<Record<string, number>>
}

/** What a method may look at where it learns: a {@link Site} at which all tokens are there. */
export interface SoftSite extends Omit<Site, 'budget'> {
  /** float [B,N] 0 … 1: how much of each token earlier sites have left; 0 for padding */
  readonly kept: Tensor
  /** The same with 1 for tokens that must stay and 0 for padding. left float [B,N] */
  obey(kept: Tensor): Tensor
  /** float32, numbers from 0 up to 1, drawn anew in every step; dims of `B`, `N` and numbers */
  noise(dims: readonly (number | 'B' | 'N')[]): Tensor
  /** float [B,N]: how much each token counts for the dense model's answer, 1 for the most of a row (see `saliency`) */
  readonly saliency: Tensor
  /** float [B] above 0, at most 1: the share of its tokens that a row is to keep here; for methods that learn any schedule */
  readonly ratio: Tensor
}

/** What the soft form does at a site. What is left out stays as it is. */
export interface Softened {
  /** float [B,N] 0 … 1: how much of each token that earlier sites left stays here, for what the layers behind cost */
  readonly kept: Tensor
  /** Probabilities of all later attentions, and at a layer's input of its own: scores [B,H,N,N] → [B,H,N,N] */
  readonly attend?: (scores: Tensor) => Tensor
  /** float [B,N,D] instead of the hidden states of the site */
  readonly hidden?: Tensor
  /** What the layer gives on, [B,N,D], from what it would give and from what it was given. */
  readonly output?: (output: Tensor, input: Tensor) => Tensor
  /** Further terms of the loss: float [], or one number for each row, float [B] */
  readonly losses?: Readonly<Record<string, Tensor>>
  /** float [B]: logarithm of how likely what was chosen in each row was; what a policy learns by (REINFORCE) */
  readonly logProb?: Tensor
  readonly carry?: Values
}

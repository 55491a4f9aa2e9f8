import type { ConstantData, Tensor } from '../expression/tensor.ts'
import type { Schedule } from './schedule.ts'
import type { Site, Spec, Values } from './site.ts'

/**
 * How a method learns where to prune tokens. During soft training none is removed: the soft form changes the answer as pruning
 * will, in a way that has a gradient in the learned values and in the encoder's weights. Afterwards `harden` turns what was
 * learned into amounts.
 */
export interface Training {
  /** Values that learn, one set a layer (see `per`). A function: for each layer. Default: the method's `params`. */
  readonly params?: Readonly<Record<string, LearnedSpec>> | ((layer: number) => Readonly<Record<string, LearnedSpec>>)
  /** Parts of the training, one after another; default: one, in which everything learns. */
  readonly stages?: readonly Stage[]
  /** Copies of each example in a batch: that many samples of a policy are compared with each other. Default 1. */
  readonly copies?: number
  /**
   * Which states `SoftSite.saliency` is computed of: the input of the first layer (`start`, the default), or the output of
   * the first layer with a site (`end`).
   */
  readonly saliencyAt?: 'start' | 'end'
  /** The lowest keep ratio that `SoftSite.ratio` asks for. Default 0.5. */
  readonly lowest?: number
  /** Built once for each layer at which tokens are to be pruned. Pure. */
  soften(site: SoftSite): Softened
  /**
   * The amounts that were learned, by layer. Default: those of the schedule.
   * @param learned values by name, of each layer
   * @param the encoder, and the number of tokens of each training example; without lengths all have the same
   */
  harden?(learned: ReadonlyMap<number, Learned>, about: LearnedFrom): Schedule
}

/** The data that a method learned from. */
interface LearnedFrom {
  readonly layerCount: number
  readonly lengths?: readonly number[] | undefined
}

/** Values by name, as they were learned at one layer. */
export type Learned = Readonly<Record<string, ConstantData>>

/** A value that learns. A size may also be `T`: the number of tokens of the longest training example. */
export interface LearnedSpec extends Omit<Spec, 'init'> {
  /** Where learning begins; `glorot`: small random numbers by fan-in and fan-out (Glorot & Bengio, AISTATS 2010). */
  readonly init: Spec['init'] | 'glorot'
  /** Its learning rate as a multiple of that of other learned values; default 1. */
  readonly rate?: number
  /** It is clipped to this range after every step. */
  readonly range?: readonly [number, number]
  /** `model`: all layers share one value. Default: one for each layer. */
  readonly per?: 'layer' | 'model'
  /** The method works without it, so a weights file need not have it. */
  readonly optional?: boolean
}

/** A part of a training. */
export interface Stage {
  readonly name: string
  /** Its share of all steps, as a weight. */
  readonly share: number
  /** Whether only the method's own values learn, or the encoder's weights, too. */
  readonly learns: 'method' | 'all'
  /**
   * Weights of the terms of the loss, by the names of `Softened.losses`, and of those that every method has: `task`,
   * `cost`, and `policy` where there are log-probabilities. Default 1 each.
   */
  readonly terms?: Readonly<Record<string, number>>
}

/** The values that a method may read where it learns: a {@link Site} at which no token is missing. */
export interface SoftSite extends Omit<Site, 'budget'> {
  /** float [B,N] 0 … 1: how much of each token earlier sites have kept; 0 for padding */
  readonly kept: Tensor
  /** The same with 1 for protected tokens and 0 for padding. kept float [B,N] */
  obey(kept: Tensor): Tensor
  /** float32, numbers in [0, 1), drawn in every step; dims of `B`, `N` and numbers */
  noise(dims: readonly (number | 'B' | 'N')[]): Tensor
  /** float [B,N]: how much each token counts for the dense model's answer, 1 for the most important of an example (see `saliency`) */
  readonly saliency: Tensor
  /** float [B] above 0, at most 1: the keep ratio of each example here; for methods that learn any schedule */
  readonly ratio: Tensor
}

/** The effect of the soft form at a site. Absent parts are not changed. */
export interface Softened {
  /** float [B,N] 0 … 1: how much of each token that earlier sites kept is kept here; the cost of later layers depends on it */
  readonly kept: Tensor
  /** Probabilities of all later attentions, and at a layer's input of its own attention: scores [B,H,N,N] → [B,H,N,N] */
  readonly attend?: (scores: Tensor) => Tensor
  /** float [B,N,D] instead of the hidden states of the site */
  readonly hidden?: Tensor
  /** The layer's output, [B,N,D], from the output it would have and from its input. */
  readonly output?: (output: Tensor, input: Tensor) => Tensor
  /** Further terms of the loss: float [], or one number for each example, float [B] */
  readonly losses?: Readonly<Record<string, Tensor>>
  /** float [B]: log-probability of the choices in each example; what a policy learns by (REINFORCE) */
  readonly logProb?: Tensor
  readonly carry?: Values
}

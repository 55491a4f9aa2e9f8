import type { Method, Tensor, Values } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { PruneOptions } from '../prune/prune-options.ts'

export interface SoftenOptions extends Pick<PruneOptions, 'encoder' | 'protect' | 'protectSegment' | 'separator'> {
  /** One that has something to learn. */
  readonly method: Method
  /** Layers whose tokens are to be pruned. */
  readonly layers: readonly number[]
  /** Expressions instead of the model's own values: weights that learn, as inputs. */
  readonly overrides?: ReadonlyMap<string, Tensor>
  /** Values that the method learns at each layer. */
  readonly params: (layer: number) => Values
}

/** An input of the soft form that training feeds, besides the model's own inputs and the weights: float32. */
export interface SoftInput {
  /** See `SoftSite`. */
  readonly kind: 'noise' | 'saliency' | 'ratio'
  /** `tp.noise.3.0`, `tp.saliency`, `tp.ratio.3` */
  readonly name: string
  /** The first layer that reads it. */
  readonly layer: number
  readonly dims: readonly (number | 'B' | 'N')[]
}

/** An encoder with the soft form of a method in it, as expressions. */
export interface SoftModel {
  /** A value of the graph, an output for one, as it is with the soft form in it. */
  value(name: string): Tensor
  readonly inputs: readonly SoftInput[]
  /** Further terms of the loss by name: float [] or [B], one for each layer that has it. */
  readonly losses: Readonly<Record<string, readonly Tensor[]>>
  /** float [B], one for each layer that has it */
  readonly logProbs: readonly Tensor[]
  /** float [B,N] 0 … 1: how much of each token is kept after each layer; 0 for padding */
  readonly kept: ReadonlyMap<number, Tensor>
  /** float [B,N]: 1 for real tokens, 0 for padding */
  readonly attended: Tensor
  readonly layerCount: number
  /** The input of each layer, by its name in the graph: [B,N,D] */
  readonly starts: readonly string[]
  /** Where each layer's tokens may be pruned, by its name in the graph: [B,N,D] */
  readonly sites: readonly string[]
  /** The result of the last layer, by its name in the graph: [B,N,D]; absent where that was not found */
  readonly end: string | undefined
  readonly site: NonNullable<Method['site']>
  readonly hidden: number
  readonly heads: number
  /** Tokens of the encoder, in the sizes of the model's inputs. */
  readonly tokens: Dim
  /** The name of a tensor in the graph, for messages. */
  nameOf(tensor: Tensor): string | undefined
}

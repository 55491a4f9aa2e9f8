import type { Dim } from '@tp/core/expression'
import type { PositionRead } from '../operators/token-position.ts'
import type { EarlierCuts } from './earlier-cuts.ts'
import type { HeadOutput } from './head.ts'
import type { Layer } from './layer.ts'
import type { PoolCount } from './pool-counts.ts'
import type { WholeHead } from './whole-head.ts'

/** Layers downstream of an encoder over a fixed number of other tokens, which are not pruned: the next stage of a hierarchical model, or a decoder of queries. */
export interface LaterLayers {
  readonly layers: number
  readonly tokens: number
}

/** An encoder found in a graph: a stack of transformer layers over one stream of tokens. */
export interface Encoder {
  /** The source of its tokens: the first input of the model that its first layer reads. */
  readonly name: string
  readonly layers: readonly Layer[]
  readonly laterLayers: readonly LaterLayers[]
  /** Earlier prunings of it. */
  readonly earlier: EarlierCuts | undefined
  /** The first layer whose tokens may be pruned: after those that were pruned already. */
  readonly open: number
  /**
   * The input of the last layer, where dead tokens were eliminated so that it is not a layer any more: tokens can still be pruned
   * at its input.
   */
  readonly end: string | undefined
  /** How many layers it had before dead tokens were eliminated in the last one, which is no layer any more. */
  readonly depth: number
  readonly batch: Dim
  /** Tokens at the first layer: a name, or a number where the length is fixed. */
  readonly tokens: Dim
  readonly hidden: number
  readonly heads: number
  /**
   * Tokens stand for ids (of words, mostly). Others are samples of something continuous, frames or patches, and resemble their
   * neighbors.
   */
  readonly readsIds: boolean
  /** The value [b,n] that says which tokens are real (not 0) and which are padding (0), if there is one: see `findMask`. */
  readonly mask: string | undefined
  /** The mask is 1 where padding is, and 0 where tokens are real. */
  readonly maskMarksPadding: boolean
  /** Tokens see only earlier ones, and themselves. */
  readonly isCausal: boolean
  /** They do, and each has an answer for every word of the vocabulary: a decoder without caches, whose earlier tokens are all needed. */
  readonly predictsNext: boolean
  /**
   * Tokens see only earlier ones, and their states are pooled outside, as a rule by taking the last attended token's, which has seen
   * all others: it is always kept.
   */
  readonly poolsLast: boolean
  /** Positions that are kept by default: the required ones, learned tokens, and the first one where states are pooled outside. */
  readonly protectedTokens: readonly number[]
  /**
   * Those that stand for no part of the input, so that they are not neighbors of others: class, distillation and register tokens,
   * and the first token of a text whose states are pooled outside. A first frame is protected there, too, but is one like others.
   */
  readonly apart: readonly number[]
  /** Positions that the model reads, or skips, by their index. */
  readonly required: readonly number[]
  /** Reads of single tokens that are not among the leading ones: the last token, or where the inputs say. */
  readonly positionReads: readonly PositionRead[]
  /** The values that count tokens for a pooling, and do not come from the tokens themselves. */
  readonly poolCounts: readonly PoolCount[]
  /** Index of the token that the head reads, if it reads single positions; the first of them. */
  readonly classToken: number | undefined
  /** The use of the tokens by its outputs. */
  readonly head: readonly HeadOutput[]
  /** A head that needs every token at its position, if there is one. */
  readonly wholeHead: WholeHead | undefined
  /** Outputs that have one row for every token. */
  readonly tokenOutputs: readonly string[]
  /** Others that have as many rows as their number says, though not one for each: upsampled frames, all but the first. */
  readonly countedOutputs: readonly string[]
}

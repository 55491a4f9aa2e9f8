import type { Tensor } from '../expression/tensor.ts'
import { assume } from '../host/assume.ts'
import { reduceTokens, startedState } from '../host/reduce.ts'
import { returnedState } from '../host/returning.ts'
import type { SiteSource } from '../host/site-source.ts'
import { initialState, type TokenState } from '../host/state.ts'
import type { Method } from '../method/method.ts'
import { type Amount, type Schedule, wholeAmount } from '../method/schedule.ts'
import {
  add,
  argMax,
  cast,
  constant,
  div,
  expand,
  gather,
  gatherND,
  gelu,
  greater,
  input,
  layerNormalization,
  matmul,
  mul,
  reshape,
  scatterElements,
  shape,
  slice,
  softmax,
  squeeze,
  sum,
  swapLast,
  transpose,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { normals, randomNumbers } from '../statistics/random-numbers.ts'
import { unlearnedValues } from './unlearned-values.ts'

export interface EncoderSize {
  readonly layerCount: number
  readonly hidden: number
  readonly heads: number
  readonly classes: number
  readonly seed: number
}

/** How a reference encoder is pruned. */
export interface ReferencePruning {
  readonly method: Method
  readonly schedule: Schedule
  /** Protected positions. */
  readonly protectedTokens: readonly number[]
}

export interface EncoderGraph {
  /** float [B,classes], of the class token and of the mean over the kept real tokens */
  readonly logits: Tensor
  /** The kept tokens, by layer with a site. */
  readonly sites: ReadonlyMap<number, EncoderSite>
}

export interface EncoderSite {
  /** float [B,K] index in the input of the token in each slot */
  readonly position: Tensor
  /** bool [B,K] the slot holds a token that was kept; absent where all do */
  readonly valid?: Tensor | undefined
}

interface Linear {
  readonly weight: Tensor
  readonly bias: Tensor
}

const names = ['query', 'key', 'value', 'output', 'up', 'down'] as const
type LayerWeights = Readonly<Record<(typeof names)[number], Linear>>

/**
 * A small post-norm encoder with random but peaked attention, as an expression over the inputs `x` float [B,N,hidden]
 * and, with `mask`, `mask` int64 [B,N] (1: a real token). The class token comes first; pruned, it is the first
 * real one, as in a file. Its logits depend on every token.
 */
export function referenceEncoder(
  { layerCount, hidden, heads, classes, seed }: EncoderSize,
  { mask, pruning }: { readonly mask: boolean; readonly pruning?: ReferencePruning | undefined },
): EncoderGraph {
  const { linear, ofLayer } = weightsOf(hidden, seed)
  const { x, attended } = inputsOf(hidden, mask)
  const stream: Stream = { current: normed(x), state: initialState(x, attended, pruning?.protectedTokens ?? []) }
  const sites = new Map<number, EncoderSite>()
  const pruned = pruning && new PrunedStream(stream, pruning, { layerCount, hidden, heads }, signalOf(x), sites)
  for (let layer = 0; layer < layerCount; layer++) {
    const weights = ofLayer()
    pruned?.atInput(layer)
    const { current, state } = stream
    const attention = attend(current, weights, heads, state)
    stream.current = normed(add(current, apply(attention.context, weights.output)))
    pruned?.afterAttention(layer, attention.source)
    stream.current = normed(add(stream.current, apply(gelu(apply(stream.current, weights.up)), weights.down)))
  }
  pruned?.comeBack()
  const { current, state } = stream
  const classToken = pruning === undefined ? gather(current, 0, 1) : firstAttended(current, state)
  const ofClass = apply(classToken, linear(hidden, classes, 1))
  return { logits: add(ofClass, apply(meanOfAttended(current, state), linear(hidden, classes, 1))), sites }
}

/** The first site of the same encoder, with a mask: what a learning method is given, with all tokens. */
export function firstSite(
  { layerCount, hidden, heads, seed }: EncoderSize,
  {
    layer,
    protectedTokens,
    site,
  }: { readonly layer: number; readonly protectedTokens: readonly number[]; readonly site: Method['site'] },
): { readonly source: SiteSource; readonly state: TokenState } {
  const { x, attended } = inputsOf(hidden, true)
  const state = initialState(x, attended, protectedTokens)
  const weights = weightsOf(hidden, seed).ofLayer()
  const start = normed(x)
  const { context, source } = attend(start, weights, heads, state)
  const current = site === 'input' ? start : normed(add(start, apply(context, weights.output)))
  const signal = (): Tensor => signalOf(x)
  return { source: { layer, layerCount, hidden: current, ...source, signal, classToken: () => 0 }, state }
}

function inputsOf(hidden: number, mask: boolean): { readonly x: Tensor; readonly attended: Tensor | undefined } {
  const x = input('x', 'float32', ['B', 'N', hidden])
  return { x, attended: mask ? cast(input('mask', 'int64', ['B', 'N']), 'bool') : undefined }
}

/** x [B,N,D] → bool [B,N]: true for half of the tokens, as those that carry a signal. */
function signalOf(x: Tensor): Tensor {
  return squeeze(greater(slice(x, { axis: 2, start: 0, end: 1 }), 0), [2])
}

function normed(x: Tensor): Tensor {
  const one = constant(Array.from({ length: x.dims[2] as number }, () => 1))
  return layerNormalization(x, one, undefined, 1e-5)
}

/** Random weights, different at each call. */
function weightsOf(
  hidden: number,
  seed: number,
): { linear(from: number, to: number, deviation: number): Linear; ofLayer(): LayerWeights } {
  const normal = normals(seed)
  const linear = (from: number, to: number, deviation: number): Linear => ({
    weight: randomConstant([from, to], deviation, normal),
    bias: randomConstant([to], 0.1, normal),
  })
  const ofLayer = (): LayerWeights => ({
    // logits with a deviation of about 3: a few tokens get most of the attention
    query: linear(hidden, hidden, 1.7 / Math.sqrt(hidden)),
    key: linear(hidden, hidden, 1.7 / Math.sqrt(hidden)),
    value: linear(hidden, hidden, 1 / Math.sqrt(hidden)),
    output: linear(hidden, hidden, 1 / Math.sqrt(hidden)),
    up: linear(hidden, 2 * hidden, 1 / Math.sqrt(hidden)),
    down: linear(2 * hidden, hidden, 1 / Math.sqrt(hidden)),
  })
  return { linear, ofLayer }
}

/** The present tokens and their state. */
interface Stream {
  /** [B,N,D] */
  current: Tensor
  state: TokenState
}

type Observed = Pick<SiteSource, 'query' | 'key' | 'value' | 'attention' | 'attentionFrom'>

function notYet(): never {
  throw new Error('the layer has not computed this yet: the method works at its input')
}

/** Prunes a stream by a method, and brings tokens back. */
class PrunedStream {
  readonly #stream: Stream
  readonly #pruning: ReferencePruning
  readonly #size: Pick<EncoderSize, 'layerCount' | 'hidden' | 'heads'>
  readonly #signal: Tensor
  readonly #sites: Map<number, EncoderSite>
  #away: { readonly left: Stream; readonly indices: Tensor } | undefined

  constructor(
    stream: Stream,
    pruning: ReferencePruning,
    size: Pick<EncoderSize, 'layerCount' | 'hidden' | 'heads'>,
    signal: Tensor,
    sites: Map<number, EncoderSite>,
  ) {
    this.#stream = stream
    this.#pruning = pruning
    this.#size = size
    this.#signal = signal
    this.#sites = sites
  }

  atInput(layer: number): void {
    const { method, schedule } = this.#pruning
    const amount = schedule.get(layer)
    const nothing = { query: notYet, key: notYet, value: notYet, attention: notYet, attentionFrom: notYet }
    if (layer === 0 && method.before !== undefined) this.#reduce(layer, nothing, wholeAmount, method.before)
    if (method.site !== 'input' || amount === undefined) return
    this.comeBack()
    const left = { ...this.#stream, state: startedState(method, this.#stream.state, this.#stream.current) }
    const indices = this.#reduce(layer, nothing, amount)
    if (method.returns && indices !== undefined) this.#away = { left, indices }
  }

  afterAttention(layer: number, observed: Observed): void {
    const { method, schedule } = this.#pruning
    if (method.site !== 'input') this.#reduce(layer, observed, schedule.get(layer))
    else if (method.carry !== undefined) this.#reduce(layer, observed, undefined)
  }

  comeBack(): void {
    if (this.#away === undefined) return
    const { left, indices } = this.#away
    const { current, state } = this.#stream
    const all = scatterElements(left.current, expand(assume(indices, ['B', 'N', 1]), shape(current)), current, {
      axis: 1,
    })
    this.#stream.current = assume(all, ['B', 'N', this.#size.hidden])
    this.#stream.state = returnedState(left.state, state, indices)
    this.#away = undefined
  }

  #reduce(
    layer: number,
    observed: Observed,
    amount: Amount | undefined,
    method: Method = this.#pruning.method,
  ): Tensor | undefined {
    const { layerCount, hidden, heads } = this.#size
    const { current, state } = this.#stream
    const signal = (): Tensor => this.#signal
    const source: SiteSource = { layer, layerCount, hidden: current, ...observed, signal, classToken: () => 0 }
    const params = unlearnedValues(method, layer, { D: hidden, H: heads }, randomNumbers(layer))
    const reduced = reduceTokens({ method, source, state, amount, params })
    this.#stream.state = reduced.state
    if (reduced.cut === undefined) return undefined
    this.#stream.current = assume(reduced.cut.states(current), ['B', 'N', hidden])
    this.#sites.set(layer, { position: reduced.state.position, valid: reduced.state.attended })
    return reduced.cut.indices
  }
}

function attend(
  x: Tensor,
  weights: LayerWeights,
  heads: number,
  { attended, keyBias }: TokenState,
): { context: Tensor; source: Observed } {
  const hidden = x.dims[2] as number
  const split = (y: Tensor): Tensor => transpose(reshape(y, ['B', 'N', heads, hidden / heads]), [0, 2, 1, 3])
  const query = split(apply(x, weights.query))
  const key = split(apply(x, weights.key))
  const value = split(apply(x, weights.value))
  const shown = attended === undefined ? keyBias : where(attended, keyBias ?? 0, -1e9)
  const bias = shown && unsqueeze(shown, [1, 2])
  const probabilities = (rows: Tensor): Tensor => {
    const logits = mul(matmul(rows, swapLast(key)), 1 / Math.sqrt(hidden / heads))
    return softmax(bias === undefined ? logits : add(logits, bias))
  }
  const attention = probabilities(query)
  return {
    context: reshape(transpose(matmul(attention, value), [0, 2, 1, 3]), ['B', 'N', hidden]),
    source: {
      query: () => query,
      key: () => key,
      value: () => value,
      attention: () => attention,
      attentionFrom: (rows) => probabilities(typeof rows === 'number' ? oneRow(query, rows) : rowsOf(query, rows)),
    },
  }
}

function oneRow(query: Tensor, row: number): Tensor {
  return unsqueeze(gather(query, row, 2), 2)
}

/** query [B,H,N,Dh], rows int64 [B,Q] → [B,H,Q,Dh] */
function rowsOf(query: Tensor, rows: Tensor): Tensor {
  return transpose(gatherND(transpose(query, [0, 2, 1, 3]), unsqueeze(rows, 2), 1), [0, 2, 1, 3])
}

function apply(x: Tensor, { weight, bias }: Linear): Tensor {
  return add(matmul(x, weight), bias)
}

/** [B,N,D] → [B,D] */
function firstAttended(x: Tensor, { attended }: TokenState): Tensor {
  if (attended === undefined) return gather(x, 0, 1)
  return gatherND(x, argMax(cast(attended, 'float32'), 1, { keepDims: true }), 1)
}

/** Tokens count as often as tokens of the input were merged into them. */
function meanOfAttended(x: Tensor, { attended, size }: TokenState): Tensor {
  const counted = attended && cast(attended, 'float32')
  const counts = counted && size ? mul(counted, size) : (counted ?? size)
  const weight = counts && unsqueeze(counts, 2)
  const weights = weight ?? add(mul(sum(x, 2, { keepDims: true }), 0), 1)
  return squeeze(div(sum(mul(x, weights), 1, { keepDims: true }), sum(weights, 1, { keepDims: true })), 1)
}

function randomConstant(dims: readonly number[], deviation: number, normal: () => number): Tensor {
  const size = dims.reduce((a, b) => a * b, 1)
  return constant(
    Array.from({ length: size }, () => normal() * deviation),
    'float32',
    dims,
  )
}

import {
  add,
  axisSize,
  cast,
  clip,
  constant,
  div,
  equal,
  expand,
  gather,
  gelu,
  greaterOrEqual,
  input,
  matmul,
  max,
  mean,
  mul,
  range,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  swapLast,
  type Tensor,
  transpose,
  triangle,
  unsqueeze,
  where,
} from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { emitModel } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'
import { int64 } from './run.ts'

/** How a mask reaches the scores, as exporters write it. */
export type MaskForm = 'none' | 'added' | 'added whole' | 'chosen' | 'single axis'
/** How later tokens are hidden from earlier ones, as exporters write it. */
export type CausalForm = 'constant' | 'sliced constant' | 'triangle' | 'range' | 'chosen' | 'multiplied'

export interface TestEncoderOptions {
  readonly layerCount: number
  readonly heads: number
  readonly headDim: number
  readonly norm: 'pre' | 'post'
  readonly mask: MaskForm
  readonly pooling: 'cls' | 'two places' | 'mean' | 'masked mean' | 'max' | 'none'
  /** Fixed sizes, a name for one that is free; else batch and token count are free. */
  readonly sizes?: readonly [batch: number | string, tokens: number]
  readonly opset: number
  readonly seed: number
  readonly causal?: CausalForm
  /** The input that serves as the mask instead of `attention_mask`. */
  readonly readMask?: (mask: Tensor) => Tensor
  /** A change of the scores instead of masking them. */
  readonly hide?: (scores: Tensor) => Tensor
  /** Probabilities of scores that are not just their softmax. */
  readonly soften?: (scores: Tensor) => Tensor
  /** A change of queries and keys [b,h,n,d] (rope). */
  readonly rotate?: (x: Tensor) => Tensor
  /** A change of what a feed-forward network gives, [b,n,d]. */
  readonly gate?: (x: Tensor) => Tensor
  /** The last state [b,n,d] → the logits, instead of pooling and a classifier. */
  readonly head?: (x: Tensor) => Tensor
  /** One head without an axis of its own. */
  readonly flatHead?: boolean
  /** A change of the first layer's input. */
  readonly start?: (x: Tensor) => Tensor
  /** In front of the names of its inputs and of its token axis. */
  readonly prefix?: string
}

/** Of two layers, with a class token and padding that a mask hides. */
export const plainEncoder: TestEncoderOptions = {
  layerCount: 2,
  heads: 2,
  headDim: 4,
  norm: 'post',
  mask: 'added',
  pooling: 'cls',
  opset: 17,
  seed: 1,
}

/** Rows of the table of words. */
export const VOCABULARY = 30
const LONGEST = 12

/** A small encoder with random weights and peaked attention: `input_ids`, `attention_mask` → `logits`. */
export function encoder(options: TestEncoderOptions): Uint8Array {
  return emitModel({ logits: logitsOf(options) }, { opset: options.opset })
}

/** The logits as an expression. */
export function logitsOf(options: TestEncoderOptions): Tensor {
  return statesOf(options).logits
}

/** The intermediate values of an encoder, as expressions. */
export interface EncoderStates {
  readonly logits: Tensor
  /** [b,n,d] what each layer reads, and what the last one gives */
  readonly streams: readonly Tensor[]
  /** [b,h,n,n] probabilities of each layer */
  readonly attentions: readonly Tensor[]
}

export function statesOf(options: TestEncoderOptions): EncoderStates {
  const { layerCount, heads, headDim, norm, sizes, seed } = options
  const hidden = heads * headDim
  const { norm: normalize, weight } = randomLayers(seeded(seed + 1))
  const linear = (x: Tensor, from: number, to: number, deviation = 1 / Math.sqrt(from)): Tensor =>
    add(matmul(x, weight([from, to], deviation)), weight([to], 0.1))

  const { prefix = '' } = options
  const dims = sizes ?? (['batch', `${prefix}sequence`] as const)
  const ids = input(`${prefix}input_ids`, 'int64', dims)
  const maskInput = options.mask === 'none' ? undefined : input(`${prefix}attention_mask`, 'int64', dims)
  const mask = maskInput && (options.readMask?.(maskInput) ?? maskInput)
  const tokens = axisSize(ids, 1)
  const table = weight([LONGEST, hidden], 1)
  const positions =
    sizes === undefined
      ? slice(table, { axis: 0, start: 0, end: tokens })
      : slice(table, { axis: 0, start: 0, end: sizes[1] })
  let x = normalize(add(gather(weight([VOCABULARY, hidden], 1), ids, 0), unsqueeze(positions, [0])))
  x = options.start?.(x) ?? x
  const hide = options.hide ?? hiding(options, mask, ids)
  const streams = [x]
  const attentions: Tensor[] = []
  for (let layer = 0; layer < layerCount; layer++) {
    const attend = (y: Tensor): Tensor => linear(attention(y, options, linear, hide, attentions), hidden, hidden)
    const feedForward = (y: Tensor): Tensor => {
      const own = linear(gelu(linear(y, hidden, 2 * hidden)), 2 * hidden, hidden)
      return options.gate?.(own) ?? own
    }
    for (const sublayer of [attend, feedForward]) {
      x = norm === 'pre' ? add(x, sublayer(normalize(x))) : normalize(add(x, sublayer(x)))
    }
    streams.push(x)
  }
  const last = norm === 'pre' ? normalize(x) : x
  const logits = options.head?.(last) ?? linear(pooled(last, options, mask), hidden, 3)
  return { logits, streams, attentions }
}

type Linear = (x: Tensor, from: number, to: number, deviation?: number) => Tensor

function attention(
  x: Tensor,
  { heads, headDim, flatHead, rotate = (y) => y, soften = softmax }: TestEncoderOptions,
  linear: Linear,
  hide: (scores: Tensor) => Tensor,
  seen: Tensor[],
): Tensor {
  const hidden = heads * headDim
  const flat = flatHead === true && heads === 1
  const split = (y: Tensor): Tensor =>
    flat ? y : transpose(reshape(y, [axisSize(y, 0), axisSize(y, 1), heads, headDim]), [0, 2, 1, 3])
  const [query, key, value] = [2 / Math.sqrt(hidden), 2 / Math.sqrt(hidden), undefined].map((deviation) =>
    split(linear(x, hidden, hidden, deviation)),
  )
  const scores = div(matmul(rotate(query as Tensor), swapLast(rotate(key as Tensor))), Math.sqrt(headDim))
  const probabilities = soften(hide(scores))
  seen.push(probabilities)
  const context = matmul(probabilities, value as Tensor)
  return flat ? context : reshape(transpose(context, [0, 2, 1, 3]), [axisSize(x, 0), axisSize(x, 1), hidden])
}

const LOWEST = -3.4e38

/** The term that hides padding, and later tokens, in scores. */
function hiding(options: TestEncoderOptions, mask: Tensor | undefined, ids: Tensor): (scores: Tensor) => Tensor {
  const { mask: form, sizes, flatHead, heads } = options
  const tokens = sizes === undefined ? axisSize(ids, 1) : sizes[1]
  const lead = flatHead === true && heads === 1 ? [1] : [1, 2]
  const later = (x: Tensor): Tensor => hideLater(x, options, tokens)
  if (mask === undefined || form === 'none') return later
  const attended = cast(mask, 'float32')
  switch (form) {
    case 'added':
      return (scores) => add(later(scores), mul(sub(1, unsqueeze(attended, lead)), -10000))
    case 'added whole':
      // [b,1,n,n], as scaled_dot_product_attention wants it
      return (scores) => {
        const whole = expand(unsqueeze(attended, lead), [
          axisSize(ids, 0),
          ...lead.slice(1).map(() => 1),
          axisSize(ids, 1),
          axisSize(ids, 1),
        ])
        return add(later(scores), mul(sub(1, whole), LOWEST))
      }
    case 'single axis':
      return (scores) => add(later(scores), unsqueeze(mul(sub(1, attended), -10000), lead))
    case 'chosen':
      return (scores) => where(equal(unsqueeze(mask, lead), 0), LOWEST, later(scores))
  }
}

function hideLater(scores: Tensor, { causal, sizes }: TestEncoderOptions, tokens: Tensor | number): Tensor {
  if (causal === undefined) return scores
  const longest = sizes?.[1] ?? LONGEST
  const earlier = Array.from({ length: longest * longest }, (_, i) => (i % longest <= Math.floor(i / longest) ? 1 : 0))
  const square = (values: readonly number[]): Tensor => constant(values, 'float32', [longest, longest])
  const cut = (x: Tensor): Tensor =>
    slice(slice(x, { axis: 0, start: 0, end: tokens }), { axis: 1, start: 0, end: tokens })
  const biases = earlier.map((sees) => (sees === 1 ? 0 : -1e9))
  const positions = range(0, tokens)
  switch (causal) {
    case 'constant':
      return add(scores, square(biases))
    case 'sliced constant':
      return add(scores, cut(square(biases)))
    case 'triangle':
      return add(scores, mul(triangle(cut(square(earlier.map(() => 1))), 'upper', 1), LOWEST))
    case 'range':
      return where(greaterOrEqual(unsqueeze(positions, 1), unsqueeze(positions, 0)), scores, LOWEST)
    case 'chosen':
      return where(cast(cut(square(earlier)), 'bool'), scores, -10000)
    case 'multiplied':
      return sub(mul(scores, cut(square(earlier))), mul(sub(1, cut(square(earlier))), 10000))
  }
}

function pooled(x: Tensor, { pooling }: TestEncoderOptions, mask: Tensor | undefined): Tensor {
  switch (pooling) {
    case 'cls':
      return gather(x, 0, 1)
    case 'two places':
      return add(gather(x, 0, 1), gather(x, 1, 1))
    case 'mean':
      return mean(x, 1)
    case 'masked mean': {
      if (mask === undefined) return mean(x, 1)
      const weight = cast(unsqueeze(mask, 2), 'float32')
      return div(sum(mul(x, weight), 1), clip(sum(weight, 1), 1e-9))
    }
    case 'max':
      return max(mask === undefined ? x : where(equal(unsqueeze(mask, 2), 0), -1e4, x), 1)
    case 'none':
      return x
  }
}

/** Inputs of an encoder; every row has at least two real tokens, padded on the right. */
export function inputsOf(
  { mask, prefix = '' }: TestEncoderOptions,
  batch: number,
  tokens: number,
  seed: number,
): NamedTensors {
  const all = Array.from({ length: batch * tokens }, (_, i) => i)
  const ids = int64(
    [batch, tokens],
    all.map((i) => ((i + 1) * (seed + 7919)) % VOCABULARY),
  )
  if (mask === 'none') return { [`${prefix}input_ids`]: ids }
  const attended = (row: number): number => Math.max(2, tokens - ((row + seed) % tokens))
  return {
    [`${prefix}input_ids`]: ids,
    [`${prefix}attention_mask`]: int64(
      [batch, tokens],
      all.map((i) => (i % tokens < attended(Math.floor(i / tokens)) ? 1 : 0)),
    ),
  }
}

import {
  add,
  axisSize,
  cast,
  constant,
  expand,
  gather,
  gelu,
  input,
  layerNormalization,
  matmul,
  mul,
  reshape,
  slice,
  sub,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import { type Attributes, apply, operators } from '@tp/core/expression'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { randomLayers } from './layers.ts'
import { seeded } from './random.ts'

/** Operators that an optimizer, or an exporter at opset 23, makes of an encoder. */
export type Fusion = 'Attention' | 'MultiHeadAttention' | "ONNX's Attention" | 'QAttention'

export interface FusedEncoderOptions {
  readonly fusion: Fusion
  readonly layerCount: number
  readonly norm: 'pre' | 'post'
  readonly pooling: 'cls' | 'none'
  readonly seed: number
  /** Tokens that there are positions for (default 12). */
  readonly longest?: number
}

const VOCABULARY = 30
const LONGEST = 12
const HEADS = 2
const HIDDEN = 8

/**
 * A small encoder with random weights as it looks when it was optimized: embeddings and their norm in one operator, the
 * mask as a number of tokens for each example, attention in one operator, residuals with the norms after them.
 */
export function fusedEncoder({
  fusion,
  layerCount,
  norm,
  pooling,
  seed,
  longest = LONGEST,
}: FusedEncoderOptions): Model {
  const normal = seeded(seed + 1)
  const { weight } = randomLayers(normal)
  const scaleAndShift = (): [Tensor, Tensor] => [weight([HIDDEN], 1), weight([HIDDEN], 0.1)]
  const product = (x: Tensor, from: number, to: number, gain = 1): Tensor =>
    matmul(x, weight([from, to], gain / Math.sqrt(from)))

  const ids = cast(input('input_ids', 'int64', ['batch', 'sequence']), 'int32')
  const mask = cast(input('attention_mask', 'int64', ['batch', 'sequence']), 'int32')
  const tables = [weight([VOCABULARY, HIDDEN], 1), weight([longest, HIDDEN], 1)]
  const embed = (): readonly [Tensor, Tensor] => {
    const [words, places] = tables as [Tensor, Tensor]
    if (fusion === "ONNX's Attention") {
      const positioned = unsqueeze(slice(places, { axis: 0, start: 0, end: axisSize(ids, 1) }), [0])
      return [layerNormalization(add(gather(words, ids, 0), positioned), ...scaleAndShift(), 1e-5), mask]
    }
    const inputs = [ids, undefined, words, places, undefined, ...scaleAndShift(), mask]
    const [x, tokens] = fused('com.microsoft.EmbedLayerNormalization', inputs, { epsilon: 1e-5 })
    return [x as Tensor, tokens as Tensor]
  }
  const [embedded, count] = embed()

  const attend = (x: Tensor): Tensor => {
    if (fusion === 'Attention') {
      const inputs = [x, weight([HIDDEN, 3 * HIDDEN], 2 / Math.sqrt(HIDDEN)), weight([3 * HIDDEN], 0.1), count]
      return fused('com.microsoft.Attention', inputs, { num_heads: HEADS })[0] as Tensor
    }
    if (fusion === 'QAttention') {
      const [bytes, step, zero] = fused('DynamicQuantizeLinear', [x], {}) as [Tensor, Tensor, Tensor]
      const columns = Array.from({ length: HIDDEN * 3 * HIDDEN }, () => Math.round(normal() * 40))
      const inputs = [bytes, constant(columns, 'int8', [HIDDEN, 3 * HIDDEN]), weight([3 * HIDDEN], 0.1), step]
      const further = [constant(0.02, 'float32', []), count, zero, constant(0, 'int8', [])]
      return fused('com.microsoft.QAttention', [...inputs, ...further], { num_heads: HEADS })[0] as Tensor
    }
    const [query, key, value] = [2, 2, 1].map((gain) => product(x, HIDDEN, HIDDEN, gain)) as [Tensor, Tensor, Tensor]
    if (fusion === 'MultiHeadAttention') {
      const inputs = [query, key, value, weight([3 * HIDDEN], 0.1), count]
      return fused('com.microsoft.MultiHeadAttention', inputs, { num_heads: HEADS })[0] as Tensor
    }
    const split = (y: Tensor): Tensor => transpose(reshape(y, [0, 0, HEADS, HIDDEN / HEADS]), [0, 2, 1, 3])
    const bias = mul(sub(1, cast(unsqueeze(mask, [1, 2]), 'float32')), -10000)
    const rows = expand(bias, [axisSize(ids, 0), 1, axisSize(ids, 1), axisSize(ids, 1)])
    const context = fused('Attention', [split(query), split(key), split(value), rows], {})[0] as Tensor
    return reshape(transpose(context, [0, 2, 1, 3]), [0, 0, HIDDEN])
  }
  const linear = (x: Tensor, from: number, to: number): Tensor => add(product(x, from, to), weight([to], 0.1))
  const feedForward = (x: Tensor): Tensor => product(gelu(linear(x, HIDDEN, 2 * HIDDEN)), 2 * HIDDEN, HIDDEN)

  /** The residual, with the bias of its branch and the norm after it. */
  const skip = (branch: Tensor, stream: Tensor): { normed: Tensor; sum: Tensor } => {
    const outputs = fused(
      'com.microsoft.SkipLayerNormalization',
      [branch, stream, ...scaleAndShift(), weight([HIDDEN], 0.1)],
      {
        epsilon: 1e-5,
      },
    )
    return { normed: outputs[0] as Tensor, sum: outputs[3] as Tensor }
  }
  let stream = embedded
  let normed = norm === 'pre' ? layerNormalization(embedded, ...scaleAndShift(), 1e-5) : embedded
  for (let layer = 0; layer < layerCount; layer++) {
    for (const branch of [(x: Tensor) => product(attend(x), HIDDEN, HIDDEN), feedForward]) {
      const next = skip(branch(normed), stream)
      normed = next.normed
      stream = norm === 'pre' ? next.sum : next.normed
    }
  }
  const output = pooling === 'cls' ? linear(gather(normed, 0, 1), HIDDEN, 3) : normed
  return decodeModel(emitModel({ logits: output }, { opset: fusion === "ONNX's Attention" ? 23 : 17 }))
}

function fused(name: string, inputs: readonly (Tensor | undefined)[], attributes: Attributes): readonly Tensor[] {
  const op = operators.get(name)
  if (op === undefined) throw new RangeError(`there is no operator ${name}`)
  return apply(op, inputs, attributes)
}

import {
  add,
  axisSize,
  cast,
  clip,
  div,
  einsum,
  expand,
  gather,
  gatherElements,
  gelu,
  greater,
  input,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  range,
  reshape,
  sigmoid,
  slice,
  softmax,
  squeeze,
  sub,
  sum,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { apply, type Op, operators, withUnification } from '@tp/core/expression'
import { emitModel } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'

/** The term that is added to the scores, computed from the hidden states and from positions. */
type PositionTerm =
  | 'none'
  | 'relative key'
  | 'relative key and query'
  | 'quantized relative key'
  | 'gated'
  | 'of keys, for all queries'
  | 'of keys, by the end of a table'
  | 'disentangled'
  | 'disentangled, for as many queries'
  | 'disentangled up to the length'
  | 'shifted, by indices'
  | 'shifted, by a slice'
  | 'across tokens'

export interface PositionEncoderOptions {
  readonly term: PositionTerm
  /** Heads folded into the batch [b·h,n,d], rows of the batch or heads outside; else in an axis of their own. */
  readonly fold: 'none' | 'rows outside' | 'heads outside'
  readonly masked: boolean
  /** The stream is [n,b,D]. */
  readonly tokensFirst?: boolean
  /** Adds an input `hidden.<layer>` [b,1,1,n] to the scores of every layer but the first. */
  readonly hideKeys?: boolean
}

export const layerCount = 3
export const vocabulary = 30
const [heads, headDim, longest] = [2, 4, 12]
const hidden = heads * headDim

/** A post-norm encoder with random weights and a class token: `input_ids`, `attention_mask` → `logits`. */
export function positionEncoder(options: PositionEncoderOptions): Uint8Array {
  const { linear, norm, weight } = randomLayers(seeded(7))
  const ids = input('input_ids', 'int64', ['batch', 'sequence'])
  const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
  const [batch, tokens] = [axisSize(ids, 0), axisSize(ids, 1)]
  const positions = range(0, tokens)
  /** [n,n] 0 … 2·longest-2 */
  const distance = add(sub(unsqueeze(positions, 1), unsqueeze(positions, 0)), longest - 1)

  const { tokensFirst = false } = options
  const embedded = norm(gather(weight([vocabulary, hidden], 1), ids, 0))
  let x = tokensFirst ? transpose(embedded, [1, 0, 2]) : embedded
  for (let layer = 0; layer < layerCount; layer++) {
    const split = (y: Tensor): Tensor =>
      tokensFirst
        ? transpose(reshape(y, [tokens, batch, heads, headDim]), [1, 2, 0, 3])
        : transpose(reshape(y, [batch, tokens, heads, headDim]), [0, 2, 1, 3])
    const [query, key, value] = [2, 2, 1].map((deviation) => split(linear(x, hidden, deviation))) as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const fold = (y: Tensor): Tensor => {
      if (options.fold === 'none') return y
      const ordered = options.fold === 'rows outside' ? y : transpose(y, [1, 0, 2, 3])
      return reshape(ordered, [-1, axisSize(y, 2), axisSize(y, 3)])
    }
    const unfold = (y: Tensor, columns: Tensor | number): Tensor => {
      if (options.fold === 'none') return y
      if (options.fold === 'rows outside') return reshape(y, [batch, heads, tokens, columns])
      return transpose(reshape(y, [heads, batch, tokens, columns]), [1, 0, 2, 3])
    }
    const [q, k] = [fold(query), fold(key)]
    let scores = div(matmul(q, swapLast(k)), Math.sqrt(headDim))
    switch (options.term) {
      case 'none':
        break
      case 'relative key':
      case 'relative key and query': {
        const table = gather(weight([2 * longest - 1, headDim], 1), distance, 0)
        scores = add(scores, fold(einsum('bhld,lrd->bhlr', query, table)))
        if (options.term === 'relative key and query') scores = add(scores, fold(einsum('bhrd,lrd->bhlr', key, table)))
        break
      }
      case 'quantized relative key': {
        const table = gather(weight([2 * longest - 1, headDim], 1), distance, 0)
        scores = add(scores, fold(einsum('bhld,lrd->bhlr', rounded(query), table)))
        break
      }
      case 'gated': {
        const bias = transpose(gather(weight([2 * longest - 1, heads], 2), distance, 0), [2, 0, 1])
        const gate = sum(sigmoid(linear(query, 2, 2)), 3, { keepDims: true })
        const whole = expand(unsqueeze(bias, [0]), [batch, heads, tokens, tokens])
        scores = add(scores, mul(fold(gate), fold(whole)))
        break
      }
      case 'of keys, for all queries': {
        // as in Doge, cut by a mask between positions
        const ofKeys = swapLast(sum(sigmoid(linear(value, 2, 2)), 3, { keepDims: true }))
        const all = expand(ofKeys, [1, 1, tokens, 1])
        scores = add(scores, fold(where(greater(unsqueeze(distance, [0, 1]), longest + 2), -2, all)))
        break
      }
      case 'of keys, by the end of a table': {
        // as in MPT, where the last key is at the end
        const table = weight([1, heads, 1, longest], 1)
        const start = maximum(sub(longest, tokens), 0)
        const [own, bias] = [scores, fold(expand(slice(table, { axis: 3, start }), [batch, 1, 1, 1]))]
        // No text is longer than the table, so its end has as many numbers as there are keys.
        scores = withUnification(
          (size) => size,
          () => add(own, bias),
        )
        break
      }
      case 'disentangled':
      case 'disentangled, for as many queries': {
        const near = clip(cast(distance, 'float32'), longest - 3, longest + 3)
        const index = unsqueeze(cast(sub(near, longest - 3), 'int64'), [0, 1])
        const positions = transpose(reshape(weight([7, hidden], 1), [7, heads, headDim]), [1, 2, 0])
        const toPosition = matmul(query, unsqueeze(positions, [0]))
        const isByQueries = options.term === 'disentangled, for as many queries'
        const all = expand(index, [batch, heads, isByQueries ? axisSize(query, 2) : tokens, axisSize(index, 3)])
        scores = add(scores, fold(gatherElements(toPosition, all, 3)))
        break
      }
      case 'disentangled up to the length': {
        const span = minimum(maximum(axisSize(query, 2), axisSize(key, 2)), longest)
        const table = slice(weight([2 * longest, hidden], 1), {
          axis: 0,
          start: sub(longest, span),
          end: add(span, longest),
        })
        const positions = transpose(reshape(linear(table, hidden), [-1, heads, headDim]), [1, 2, 0])
        const near = maximum(add(sub(distance, longest - 1), span), 0)
        const index = unsqueeze(minimum(near, sub(mul(span, 2), 1)), [0, 1])
        const all = expand(index, [batch, heads, tokens, tokens])
        scores = add(scores, fold(gatherElements(matmul(query, unsqueeze(positions, [0])), all, 3)))
        break
      }
      case 'shifted, by indices':
      case 'shifted, by a slice': {
        // n, n − 1, …, 1 − n
        const distances = range(squeeze(tokens, [0]), squeeze(neg(tokens), [0]), -1)
        const table = gather(weight([2 * longest, hidden], 1), add(distances, longest - 1), 0)
        const positions = transpose(reshape(table, [-1, heads, headDim]), [1, 2, 0])
        const all = matmul(query, unsqueeze(positions, [0]))
        const [rows, columns] = [axisSize(all, 2), axisSize(all, 3)]
        const turned = slice(reshape(all, [batch, heads, columns, rows]), { axis: 2, start: 1 })
        const shifted = reshape(turned, [batch, heads, rows, sub(columns, 1)])
        const count = axisSize(scores, options.fold === 'none' ? 3 : 2)
        const first =
          options.term === 'shifted, by a slice'
            ? slice(shifted, { axis: 3, start: 0, end: count })
            : gather(shifted, range(0, squeeze(count, [0])), 3)
        scores = add(scores, fold(first))
        break
      }
      case 'across tokens': {
        const table = gather(weight([2 * longest - 1, headDim], 1), distance, 0)
        scores = add(scores, fold(einsum('bhld,lrd->bhlr', softmax(query, 2), table)))
        break
      }
    }
    if (options.masked) {
      const attended = cast(unsqueeze(mask, [1, 2]), 'float32')
      scores = fold(add(unfold(scores, tokens), mul(sub(1, attended), -10000)))
    }
    if (options.hideKeys && layer > 0) {
      const bias = input(`hidden.${layer}`, 'float32', ['batch', 1, 1, 'sequence'])
      scores = fold(add(unfold(scores, tokens), bias))
    }
    const context = unfold(matmul(softmax(scores), fold(value)), headDim)
    const merged = tokensFirst
      ? reshape(transpose(context, [2, 0, 1, 3]), [tokens, batch, hidden])
      : reshape(transpose(context, [0, 2, 1, 3]), [batch, tokens, hidden])
    x = norm(add(x, linear(merged, hidden)))
    x = norm(add(x, linear(gelu(linear(x, 2 * hidden)), hidden)))
  }
  return emitModel({ logits: linear(gather(x, 0, tokensFirst ? 0 : 1), 3) }, { opset: 17 })
}

/** To 8 bits and back, in the range of all tokens, as dynamic quantization does. */
function rounded(x: Tensor): Tensor {
  const [bytes, step, zero] = apply(operators.get('DynamicQuantizeLinear') as Op, [x], {}) as [Tensor, Tensor, Tensor]
  return mul(cast(sub(cast(bytes, 'int32'), cast(zero, 'int32')), 'float32'), step)
}

import {
  add,
  axisSize,
  cast,
  div,
  einsum,
  equal,
  gather,
  gelu,
  input,
  isNotNumber,
  matmul,
  mul,
  reshape,
  sigmoid,
  softmax,
  splitAxis,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { emitModel } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'

/** How a layer is put together, other than x + a(norm(x)), x + f(norm(x)). */
export type LayerForm =
  | 'feed-forward next to the attention'
  | 'feed-forward joined to the attention first'
  | 'gate from the stream'
  | 'scaled stream'
  | 'rows without keys set to 0'
  | 'products written as Einsum'
  | 'padding set to 0'
  | 'gated feed-forward by Split'
  | 'bottleneck around the layer'
  | 'first states added after the attention'

export interface LayerFormOptions {
  readonly form: LayerForm
  readonly head: 'class token' | 'every token'
  /** Adds an input `hidden.<layer>` [b,1,1,n] to the scores of every layer but the first. */
  readonly hideKeys?: boolean
}

export const layerCount = 3
export const vocabulary = 30
const [heads, headDim] = [2, 4]
const hidden = heads * headDim

/** A pre-norm encoder with random weights: `input_ids`, `attention_mask` → `logits`. */
export function layerFormEncoder({ form, head, hideKeys = false }: LayerFormOptions): Uint8Array {
  const { linear, norm, weight } = randomLayers(seeded(11))
  const ids = input('input_ids', 'int64', ['batch', 'sequence'])
  const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
  const isPadding = equal(unsqueeze(mask, [1, 2]), 0)

  /** Queries and keys may come from another value than the stream (`from`). */
  const attend = (y: Tensor, layer: number, from: Tensor = y): Tensor => {
    const apart = (z: Tensor): Tensor =>
      transpose(reshape(z, [axisSize(z, 0), axisSize(z, 1), heads, headDim]), [0, 2, 1, 3])
    const [query, key, value] = [2, 2, 1].map((deviation, i) => apart(linear(i < 2 ? from : y, hidden, deviation))) as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const written = form === 'products written as Einsum'
    let scores = written ? einsum('bhid,bhjd->bhij', query, key) : matmul(query, swapLast(key))
    scores = where(isPadding, -1e9, div(scores, Math.sqrt(headDim)))
    if (hideKeys && layer > 0) scores = add(scores, input(`hidden.${layer}`, 'float32', ['batch', 1, 1, 'sequence']))
    let probabilities = softmax(scores)
    if (form === 'rows without keys set to 0') probabilities = where(isNotNumber(probabilities), 0, probabilities)
    const context = written
      ? einsum('bhij,bhjd->bihd', probabilities, value)
      : transpose(matmul(probabilities, value), [0, 2, 1, 3])
    let result = reshape(context, [axisSize(y, 0), axisSize(y, 1), hidden])
    if (form === 'gate from the stream') result = mul(result, sigmoid(linear(y, hidden)))
    const projected = linear(result, hidden)
    return form === 'padding set to 0' ? where(equal(unsqueeze(mask, 2), 0), 0, projected) : projected
  }
  /** A scale and a shift in place of a norm, as MobileBERT has them. */
  const scaled = (y: Tensor): Tensor => add(mul(y, weight([hidden], 1)), weight([hidden], 0.1))
  const feedForward = (y: Tensor): Tensor => {
    const wide = linear(y, 2 * hidden)
    if (form !== 'gated feed-forward by Split') return linear(gelu(wide), hidden)
    const [gate, up] = splitAxis(wide, [hidden, hidden], 2) as [Tensor, Tensor]
    return linear(mul(gelu(gate), up), hidden)
  }

  let x = gather(weight([vocabulary, hidden], 1), ids, 0)
  x = mul(x, cast(unsqueeze(mask, 2), 'float32'))
  const first = x
  for (let layer = 0; layer < layerCount; layer++) {
    const y = norm(x)
    switch (form) {
      case 'feed-forward next to the attention':
        x = add(add(x, attend(y, layer)), feedForward(y))
        break
      case 'feed-forward joined to the attention first':
        x = add(x, add(attend(y, layer), feedForward(y)))
        break
      case 'first states added after the attention':
        x = add(add(x, attend(y, layer)), first)
        x = add(x, feedForward(norm(x)))
        break
      case 'scaled stream':
        x = add(mul(x, 0.8), attend(y, layer))
        x = add(mul(x, 0.8), feedForward(norm(x)))
        break
      case 'bottleneck around the layer': {
        // MobileBERT: queries and keys from a narrower stream, which the layer works on; two feed-forwards.
        const [shared, narrow] = [scaled(linear(x, hidden)), scaled(linear(x, hidden))]
        let inner = scaled(add(attend(x, layer, shared), narrow))
        inner = scaled(add(feedForward(inner), inner))
        inner = scaled(add(feedForward(inner), inner))
        x = scaled(add(linear(inner, hidden), x))
        break
      }
      default:
        x = add(x, attend(y, layer))
        x = add(x, feedForward(norm(x)))
    }
  }
  const last = norm(x)
  return emitModel({ logits: linear(head === 'class token' ? gather(last, 0, 1) : last, 3) }, { opset: 17 })
}

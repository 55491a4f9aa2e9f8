import {
  add,
  axisSize,
  cast,
  div,
  equal,
  gather,
  input,
  matmul,
  mul,
  relu,
  reshape,
  softmax,
  swapLast,
  type Tensor,
  tanh,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { emitModel } from '@tp/onnx'
import { randomLayers } from './layers.ts'
import { seeded } from './random.ts'

const [layerCount, heads, headDim, vocabulary] = [3, 2, 4, 30]
const hidden = heads * headDim

export interface TokensFirstOptions {
  readonly norm: 'pre' | 'post'
  /** The output: 3 logits of the first token, or its states [n,b,D], 0 at padding. */
  readonly head: 'first token' | 'every token'
  /** Scores are limited by tanh, which no attention over packed tokens computes. */
  readonly isCapped?: boolean
}

/**
 * An encoder of three layers whose stream has the tokens first, [n,b,D], as torch's `nn.TransformerEncoder` has: `input_ids`, `attention_mask`
 * → `output`.
 */
export function tokensFirstEncoder({ norm: place, head, isCapped = false }: TokensFirstOptions): Uint8Array {
  const { linear, norm, weight } = randomLayers(seeded(7))
  const ids = input('input_ids', 'int64', ['batch', 'sequence'])
  const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
  const isPadding = equal(unsqueeze(mask, [1, 2]), 0)
  const attend = (y: Tensor): Tensor => {
    const [tokens, batch] = [axisSize(y, 0), axisSize(y, 1)]
    const apart = (z: Tensor): Tensor => transpose(reshape(z, [tokens, batch, heads, headDim]), [1, 2, 0, 3])
    const [query, key, value] = [2, 2, 1].map((deviation) => apart(linear(y, hidden, deviation))) as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const scores = div(matmul(query, swapLast(key)), Math.sqrt(headDim))
    const limited = isCapped ? mul(tanh(scores), 2) : scores
    const context = transpose(matmul(softmax(where(isPadding, -1e9, limited)), value), [2, 0, 1, 3])
    return linear(reshape(context, [tokens, batch, hidden]), hidden)
  }
  const feedForward = (y: Tensor): Tensor => linear(relu(linear(y, 2 * hidden)), hidden)
  let x = transpose(gather(weight([vocabulary, hidden], 1), ids, 0), [1, 0, 2])
  for (let layer = 0; layer < layerCount; layer++)
    for (const sublayer of [attend, feedForward])
      x = place === 'post' ? norm(add(x, sublayer(x))) : add(x, sublayer(norm(x)))
  const isReal = transpose(cast(unsqueeze(mask, 2), 'float32'), [1, 0, 2])
  const output = head === 'first token' ? linear(gather(x, 0, 0), 3) : mul(x, isReal)
  return emitModel({ output }, { opset: 17 })
}

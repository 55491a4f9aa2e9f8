import {
  add,
  axisSize,
  cast,
  div,
  gather,
  gelu,
  input,
  matmul,
  mul,
  reshape,
  softmax,
  squeeze,
  sum,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { emitModel } from '@tp/onnx'
import { randomLayers } from './layers.ts'
import { seeded } from './random.ts'

const [heads, headDim, vocabulary, classes] = [2, 4, 30, 3]
const hidden = heads * headDim

/** The input of a head of {@link unplacedEncoder}: `states` are an output themselves. */
export type UnplacedHead = 'class token' | 'masked mean' | 'every token' | 'states'

/**
 * A pre-norm encoder of three layers without positions, so that its padding may stand anywhere: `input_ids`, `attention_mask` →
 * `logits` [b,3] or [b,n,3], or `last_hidden_state` [b,n,8].
 */
export function unplacedEncoder(head: UnplacedHead): Uint8Array {
  const { linear, norm, weight } = randomLayers(seeded(11))
  const ids = input('input_ids', 'int64', ['batch', 'sequence'])
  const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
  const attend = (y: Tensor): Tensor => {
    const apart = (z: Tensor): Tensor =>
      transpose(reshape(z, [axisSize(z, 0), axisSize(z, 1), heads, headDim]), [0, 2, 1, 3])
    const [query, key, value] = [2, 2, 1].map((deviation) => apart(linear(y, hidden, deviation))) as [
      Tensor,
      Tensor,
      Tensor,
    ]
    const scores = div(matmul(query, swapLast(key)), Math.sqrt(headDim))
    const probabilities = softmax(where(cast(unsqueeze(mask, [1, 2]), 'bool'), scores, -1e9))
    const context = transpose(matmul(probabilities, value), [0, 2, 1, 3])
    return linear(reshape(context, [axisSize(y, 0), axisSize(y, 1), hidden]), hidden)
  }
  let x = gather(weight([vocabulary, hidden], 1), ids, 0)
  for (let layer = 0; layer < 3; layer++) {
    x = add(x, attend(norm(x)))
    x = add(x, linear(gelu(linear(norm(x), 2 * hidden)), hidden))
  }
  const last = norm(x)
  if (head === 'states') return emitModel({ last_hidden_state: last }, { opset: 17 })
  const read = {
    'class token': () => gather(last, 0, 1),
    'masked mean': () => maskedMean(last, mask),
    'every token': () => last,
  }
  return emitModel({ logits: linear(read[head](), classes) }, { opset: 17 })
}

function maskedMean(x: Tensor, mask: Tensor): Tensor {
  const real = unsqueeze(cast(mask, 'float32'), 2)
  const total = sum(mul(x, real), 1, { keepDims: true })
  return squeeze(div(total, sum(real, 1, { keepDims: true })), 1)
}

import {
  add,
  axisSize,
  div,
  equal,
  gather,
  input,
  matmul,
  relu,
  reshape,
  schedule,
  softmax,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, encodeModel, type Model } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, prune, transform } from '../src/index.ts'
import { inputsOf, plainEncoder } from './encoders.ts'
import { difference, numbers, run } from './run.ts'

const [layerCount, heads, headDim] = [3, 2, 4]
const hidden = heads * headDim

/** An encoder whose stream has the tokens first, [n,b,D], as torch's `nn.TransformerEncoder` has: `input_ids`, `attention_mask` → `logits`. */
function tokensFirst(isPostNorm: boolean): Model {
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
    const scores = where(isPadding, -1e9, div(matmul(query, swapLast(key)), Math.sqrt(headDim)))
    const context = transpose(matmul(softmax(scores), value), [2, 0, 1, 3])
    return linear(reshape(context, [tokens, batch, hidden]), hidden)
  }
  const feedForward = (y: Tensor): Tensor => linear(relu(linear(y, 2 * hidden)), hidden)
  let x = transpose(gather(weight([30, hidden], 1), ids, 0), [1, 0, 2])
  for (let layer = 0; layer < layerCount; layer++)
    for (const sublayer of [attend, feedForward]) x = isPostNorm ? norm(add(x, sublayer(x))) : add(x, sublayer(norm(x)))
  return decodeModel(emitModel({ logits: linear(gather(x, 0, 0), 3) }, { opset: 17 }))
}

function pruned(model: Model, layers: readonly number[]): Model {
  const options = { method: receivedAttention(), schedule: schedule(layerCount, { layers, tokens: 5 }), protect: [0] }
  return decodeModel(encodeModel(transform(model, prune(options)).model))
}

describe.each([
  ['post-norm', true],
  ['pre-norm', false],
] as const)('a %s encoder with tokens first', (_, isPostNorm) => {
  test('keeps its layers open once it was pruned', () => {
    expect(inspect(pruned(tokensFirst(isPostNorm), [0, 1]))).toMatchObject({ ok: true, open: 2 })
  })

  test('answers the same pruned in two steps as in one', async () => {
    const model = tokensFirst(isPostNorm)
    const inputs = inputsOf(plainEncoder, 3, 10, 5)
    const [once, twice] = [pruned(model, [0, 1]), pruned(pruned(model, [0]), [1])]
    const [expected, actual] = [await run(encodeModel(once), inputs), await run(encodeModel(twice), inputs)]
    expect(difference(numbers(actual.logits), numbers(expected.logits))).toBeLessThan(1e-5)
  })
})

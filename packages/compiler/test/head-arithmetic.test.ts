// Arithmetic of a head directly after the last norm is not a part of that norm: tokens are restored upstream of it.
import {
  abs,
  add,
  axisSize,
  div,
  equal,
  gather,
  input,
  log,
  matmul,
  mul,
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
import { decodeModel, emitModel } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'
import { expect, test } from 'vitest'
import { prune } from '../src/index.ts'
import { difference, int64, numbers, run } from './run.ts'

const [vocabulary, heads, headDim] = [30, 2, 4]
const hidden = heads * headDim

/** Two post-norm layers and a head on each token: `input_ids`, `attention_mask` → `output`. */
function encoderWith(head: (x: Tensor) => Tensor): Uint8Array {
  const { linear, norm, weight } = randomLayers(seeded(5))
  const ids = input('input_ids', 'int64', ['batch', 'sequence'])
  const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
  const isPadding = equal(unsqueeze(mask, [1, 2]), 0)
  const apart = (y: Tensor): Tensor =>
    transpose(reshape(linear(y, hidden), [axisSize(y, 0), axisSize(y, 1), heads, headDim]), [0, 2, 1, 3])
  let x = gather(weight([vocabulary, hidden], 1), ids, 0)
  for (let layer = 0; layer < 2; layer++) {
    const [query, key, value] = [apart(x), apart(x), apart(x)]
    const scores = where(isPadding, -1e9, div(matmul(query, swapLast(key)), Math.sqrt(headDim)))
    const context = transpose(matmul(softmax(scores), value), [0, 2, 1, 3])
    x = norm(add(x, linear(reshape(context, [axisSize(x, 0), axisSize(x, 1), hidden]), hidden)))
    x = norm(add(x, linear(relu(linear(x, 2 * hidden)), hidden)))
  }
  return emitModel({ output: head(x) }, { opset: 17 })
}

async function restored(head: (x: Tensor) => Tensor): Promise<number[]> {
  const ids = [7, 3, 11, 5, 9, 2, 8, 1]
  const result = prune(decodeModel(encoderWith(head)), {
    method: receivedAttention(),
    schedule: schedule(2, { layers: [0], keep: 0.5 }),
    restore: 'all',
  })
  if (!result.ok) throw new Error(result.refusal.message)
  const inputs = { input_ids: int64([1, 8], ids), attention_mask: int64([1, 8], Array(8).fill(1)) }
  const { output } = await run(result.model, inputs)
  if (output === undefined) throw new Error('no output')
  return numbers(output)
}

test.each<[string, (x: Tensor) => Tensor, (x: number) => number]>([
  ['logarithms of amounts', (x) => log(add(abs(x), 1e-9)), (x) => Math.log(Math.abs(x) + 1e-9)],
  ['a multiple', (x) => add(mul(x, 3), 1), (x) => 3 * x + 1],
])('%s of restored states are those of each state', async (_, head, compute) => {
  const states = await restored((x) => mul(x, 1))
  expect(difference(await restored(head), states.map(compute))).toBeLessThan(1e-4)
})

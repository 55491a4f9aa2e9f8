// Arithmetic of a head directly after the last norm is not a part of that norm: tokens are restored upstream of it.
import { abs, add, log, mul, schedule, type Tensor } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel } from '@tp/onnx'
import { encoderWithHead } from 'exported-encoders'
import { expect, test } from 'vitest'
import { prune, transform } from '../src/index.ts'
import { difference, int64, numbers, run } from './run.ts'

async function restored(head: (x: Tensor) => Tensor): Promise<number[]> {
  const ids = [7, 3, 11, 5, 9, 2, 8, 1]
  const result = transform(
    decodeModel(encoderWithHead(({ x }) => head(x))),
    prune({
      method: receivedAttention(),
      schedule: schedule(2, { layers: [0], keep: 0.5 }),
      restore: 'all',
    }),
  )
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

import { add, cos, input, mul, schedule, type Tensor, unsqueeze } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { inspect, prune, transform } from '../src/index.ts'
import { withEqualSizes } from '../src/program/program.ts'
import { encoder, plainEncoder } from './encoders.ts'
import { difference, int64, numbers, run } from './run.ts'

const [BATCH, TOKENS] = [3, 7]
const pruning = prune({ method: receivedAttention(), schedule: schedule(2, { layers: [0], keep: 0.6 }) })
const positions = input('position_ids', 'float32', ['some', 'sequence'])
const rotated = {
  ...plainEncoder,
  pooling: 'mean',
  rotate: (x: Tensor) => add(x, mul(x, cos(unsqueeze(positions, [1, 3])))),
} as const
const ids = int64(
  [BATCH, TOKENS],
  Array.from({ length: BATCH * TOKENS }, (_, i) => 2 + ((7 * i) % 25)),
)
const mask = int64([BATCH, TOKENS], new Array(BATCH * TOKENS).fill(1))
const numbersOf = (rows: number) => ({
  type: 'float32' as const,
  dims: [rows, TOKENS],
  data: Float32Array.from({ length: rows * TOKENS }, (_, i) => i % TOKENS),
})

test('a size that two inputs are assumed to share is named', () => {
  const found = inspect(decodeModel(withEqualSizes(() => encoder(rotated))))
  expect(found).toMatchObject({ ok: true, batch: 'batch' })
  const same = { input: 'input_ids', axis: 0 }
  expect(found.ok && found.assumed).toEqual([{ input: 'position_ids', axis: 0, same }])
})

test('a pruned model takes the one row of positions that the dense one takes for all examples', async () => {
  const { model } = transform(decodeModel(withEqualSizes(() => encoder(rotated))), pruning)
  const [of, one] = await Promise.all(
    [BATCH, 1].map((rows) => run(model, { input_ids: ids, attention_mask: mask, position_ids: numbersOf(rows) })),
  )
  expect(difference(numbers(of?.logits), numbers(one?.logits))).toBeLessThan(1e-6)
})

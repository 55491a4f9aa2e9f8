import {
  add,
  axisSize,
  concat,
  cos,
  expand,
  gatherND,
  input,
  mul,
  range,
  schedule,
  squeeze,
  type Tensor,
  unsqueeze,
} from '@tp/core'
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
const tokens = input('input_ids', 'int64', ['batch', 'sequence'])
const whole = concat([axisSize(tokens, 0), axisSize(tokens, 1)], 0)
const numbered = (axis: number): Tensor => {
  const numbers = range(0, squeeze(axisSize(tokens, axis), [0]))
  return unsqueeze(expand(unsqueeze(numbers, [1 - axis]), whole), [2])
}
/** As torch's newest exporter writes a mask: number by number, at rows and columns that the tokens count, under size names of its own. */
const readByNumber = {
  ...plainEncoder,
  pooling: 'none',
  readMask: () => gatherND(input('attention_mask', 'int64', ['s86', 's11']), concat([numbered(0), numbered(1)], 2)),
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

test('a mask that is read number by number by the sizes of the tokens has their sizes', async () => {
  const dense = decodeModel(encoder(readByNumber))
  expect(inspect(dense)).toMatchObject({ batch: 'batch', mask: 'attention_mask', assumed: [{ axis: 0 }, { axis: 1 }] })
  const { model } = transform(dense, pruning)
  const padded = int64(
    [BATCH, TOKENS],
    Array.from({ length: BATCH * TOKENS }, (_, i) => Number(i % TOKENS < 4 || i < TOKENS)),
  )
  const inBatch = await run(model, { input_ids: ids, attention_mask: padded })
  const second = int64([1, 4], Array.from(ids.data as BigInt64Array, Number).slice(TOKENS, TOKENS + 4))
  const alone = await run(model, { input_ids: second, attention_mask: int64([1, 4], [1, 1, 1, 1]) })
  const width = (alone.logits?.dims[2] ?? 0) as number
  const own = numbers(inBatch.logits).slice(TOKENS * width, (TOKENS + 4) * width)
  expect(difference(own, numbers(alone.logits))).toBeLessThan(1e-5)
})

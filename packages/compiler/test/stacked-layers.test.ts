import {
  cast,
  clip,
  concat,
  constant,
  div,
  expand,
  input,
  type Method,
  matmul,
  max,
  mean,
  mul,
  reshape,
  schedule,
  shape,
  sum,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { expect, test } from 'vitest'
import { prune, transform } from '../src/index.ts'
import { inputsOf, plainEncoder, statesOf } from './encoders.ts'
import { merging } from './fused-methods.ts'
import { difference, int64, numbers, rows, runOnEach } from './run.ts'

const [batch, tokens, layerCount] = [3, 10, 4]
const padded = inputsOf(plainEncoder, batch, tokens, 5)
/** The same with each text at the end of its row. */
const paddedLeft = Object.fromEntries(
  Object.entries(padded).map(([name, x]) => [
    name,
    int64(
      [batch, tokens],
      rows(x).flatMap((row) => row.toReversed()),
    ),
  ]),
)
const stacked = (states: readonly Tensor[], axis: number): Tensor =>
  concat(
    states.map((x) => unsqueeze(x, [axis])),
    axis,
  )
const shares = constant([0.1, 0.4, 0.2, 0.3], 'float32', [4, 1, 1, 1])

/** One state of each token [b,n,d] from those of several layers. */
const joined: Readonly<Record<string, (states: readonly Tensor[]) => Tensor>> = {
  'the mean': (states) => mean(stacked(states, 0), 0),
  'the largest': (states) => max(stacked(states, 0), 0),
  'a weighted sum': (states) => sum(mul(shares, stacked(states, 0)), 0),
  'a sum by weights in the size of the states': (states) => {
    const all = stacked(states, 0)
    return sum(mul(expand(shares, shape(all)), all), 0)
  },
  'the mean with layers after tokens': (states) => mean(transpose(stacked(states, 0), [1, 2, 0, 3]), 2),
  'the mean with layers after the batch': (states) => mean(stacked(states, 1), 1),
}

function withLayers(join: (states: readonly Tensor[]) => Tensor, sizes?: readonly [number, number]): Model {
  const { streams } = statesOf({ ...plainEncoder, layerCount, ...(sizes && { sizes }) })
  const mask = input('attention_mask', 'int64', sizes ?? ['batch', 'sequence'])
  const weights = unsqueeze(cast(mask, 'float32'), [2])
  const pooled = div(sum(mul(join(streams.slice(1)), weights), 1), clip(sum(weights, 1), 1))
  const turn = Array.from({ length: 24 }, (_, i) => Math.sin(3 * i))
  const logits = matmul(reshape(pooled, [-1, 8]), constant(turn, 'float32', [8, 3]))
  return decodeModel(emitModel({ logits }, { opset: 17 }))
}

/** A batch of one example alone, as often as the batch is large. */
function repeated(inputs: NamedTensors, row: number): NamedTensors {
  const of = (x: TensorLike | undefined): TensorLike => {
    const own = numbers(x).slice(row * tokens, (row + 1) * tokens)
    return int64([batch, tokens], Array(batch).fill(own).flat())
  }
  return { input_ids: of(inputs.input_ids), attention_mask: of(inputs.attention_mask) }
}

const logitsOf = async (model: Model, feeds: readonly NamedTensors[]): Promise<number[][]> =>
  (await runOnEach(model, feeds)).map(({ logits }) => numbers(logits))

const layouts = [
  ['any batch', undefined, padded],
  ['any batch padded left', undefined, paddedLeft],
  ['a fixed batch', [batch, tokens], padded],
] as const

test.each(
  Object.entries(joined).flatMap(([name, join], row) =>
    inTurn(layouts, row, 1).map(([layout, ...form]) => [name, layout, join, ...form] as const),
  ),
)('a head reads %s of several layers, for %s', async (_, _layout, join, sizes, inputs) => {
  const model = withLayers(join, sizes)
  const [dense] = await logitsOf(model, [inputs])
  const pruned = (method: Method, amount: object): Model =>
    transform(model, prune({ method, schedule: schedule(4, { layers: [1, 2], ...amount }) })).model
  const [kept] = await logitsOf(pruned(receivedAttention(), { tokens: 99 }), [inputs])
  expect(difference(kept as number[], dense as number[])).toBeLessThan(1e-5)
  for (const method of [receivedAttention(), merging()]) {
    const rows = Array.from({ length: batch }, (_, row) => repeated(inputs, row))
    const [together = [], ...alone] = await logitsOf(pruned(method, { keep: 0.6 }), [inputs, ...rows])
    expect(difference(together, dense as number[])).toBeGreaterThan(1e-4)
    for (const [row, own] of alone.entries())
      expect(difference(own.slice(0, 3), together.slice(3 * row, 3 * row + 3))).toBeLessThan(1e-5)
  }
})

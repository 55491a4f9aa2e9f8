import {
  add,
  axisSize,
  concat,
  constant,
  div,
  expand,
  input,
  matmul,
  max,
  reshape,
  schedule,
  slice,
  softmax,
  swapLast,
  type Tensor,
  transpose,
} from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, encodeModel, type Model } from '@tp/onnx'
import { seeded } from 'exported-encoders'
import { expect, test } from 'vitest'
import { inspect, type PruneOptions, prune, transform } from '../src/index.ts'
import { statesOf, type TestEncoderOptions } from './encoders.ts'
import { difference, float32, numbers, rows, run } from './run.ts'

const [HEIGHT, WIDTH, HIDDEN] = [3, 4, 8]
const TOKENS = HEIGHT * WIDTH

const options: TestEncoderOptions = {
  ...{ layerCount: 3, heads: 2, headDim: 4, norm: 'pre', mask: 'none', pooling: 'none', opset: 17, seed: 3 },
}

/** Features of an image [b,HIDDEN,HEIGHT,WIDTH] in, patches [b,TOKENS,HIDDEN] through the layers. */
function imageEncoder(
  head: (x: Tensor, first: Tensor) => Tensor,
  tokensOf: (patches: Tensor) => Tensor = (patches) => patches,
): Model {
  const features = input('features', 'float32', ['batch', HIDDEN, HEIGHT, WIDTH])
  const tokens = tokensOf(transpose(reshape(features, ['batch', HIDDEN, TOKENS]), [0, 2, 1]))
  const { logits } = statesOf({ ...options, start: () => tokens, head: (x) => head(x, tokens) })
  return decodeModel(emitModel({ map: logits }, { opset: 17 }))
}

/** Weights [1,count,HIDDEN] for each example. */
function learned(x: Tensor, count: number): Tensor {
  const weights = constant(Array.from({ length: count * HIDDEN }, seeded(count)), 'float32', [1, count, HIDDEN])
  return expand(weights, [axisSize(x, 0), count, HIDDEN])
}

function grid(x: Tensor): Tensor {
  return reshape(transpose(x, [0, 2, 1]), ['batch', HIDDEN, HEIGHT, WIDTH])
}

const images: NamedTensors = {
  features: float32([2, HIDDEN, HEIGHT, WIDTH], Array.from({ length: 2 * HIDDEN * TOKENS }, seeded(4))),
}

function pruned(model: Model, pruning: PruneOptions): Model {
  const result = transform(model, prune(pruning))
  return decodeModel(encodeModel(result.model))
}

function at(keep: number, ...layers: number[]): PruneOptions {
  return { method: receivedAttention(), schedule: schedule(3, { layers, keep }) }
}

test('says that a head which makes a grid reads every token', () => {
  expect(inspect(imageEncoder(grid))).toMatchObject({ ok: true, head: [{ reads: [{ kind: 'positions' }] }] })
})

test('changes nothing where all tokens are kept', async () => {
  const model = imageEncoder((x) => max(grid(x), 2))
  const [dense, kept] = [await run(model, images), await run(pruned(model, at(1, 0, 1)), images)]
  expect(kept.map?.dims).toEqual([2, HIDDEN, WIDTH])
  expect(difference(numbers(kept.map), numbers(dense.map))).toBeLessThan(1e-6)
})

test('gives the grid the nearest kept patch in rows and columns for each pruned one', async () => {
  // Where states are the output, the first one is protected by default.
  const pruning = { ...at(0.5, 0, 1), protect: [0] }
  const map = rows((await run(pruned(imageEncoder(grid), pruning), images)).map)
  const compact = pruned(
    imageEncoder((x) => x),
    { ...pruning, restore: 'none', trace: true },
  )
  const seen = await run(compact, images)
  const states = rows(seen.map)
  for (const [example, kept] of rows(seen['tp.trace.1.indices']).entries()) {
    expect(kept.length).toBeLessThan(TOKENS / 2)
    for (let token = 0; token < TOKENS; token++) {
      const [row, column] = [Math.floor(token / WIDTH), token % WIDTH]
      const distances = kept.map((other) => (Math.floor(other / WIDTH) - row) ** 2 + ((other % WIDTH) - column) ** 2)
      const slot = distances.indexOf(Math.min(...distances))
      const restored = Array.from({ length: HIDDEN }, (_, d) => map[example]?.[d * TOKENS + token] as number)
      const own = states[example]?.slice(slot * HIDDEN, (slot + 1) * HIDDEN) as number[]
      expect(difference(restored, own)).toBeLessThan(1e-5)
    }
  }
})

test('the same holds where a pruned file is pruned further', async () => {
  const model = imageEncoder(grid)
  const direct = await run(pruned(model, at(0.7, 0, 1)), images)
  const again = await run(pruned(pruned(model, at(0.7, 0)), at(0.7, 1)), images)
  expect(difference(numbers(again.map), numbers(direct.map))).toBeLessThan(1e-5)
})

test('refuses to leave a head with fewer tokens than its grid has', () => {
  expect(() => transform(imageEncoder(grid), prune({ ...at(0.5, 0), restore: 'none' }))).toThrow(
    expect.objectContaining({ code: 'TP_TOKEN_AXIS', message: expect.stringContaining('every token at its position') }),
  )
})

test('keeps learned tokens at the end, which a head for each of them reads there', async () => {
  const model = imageEncoder(
    (x) => slice(x, { axis: 1, start: -2 }),
    (patches) => concat([learned(patches, 1), patches, learned(patches, 2)], 1),
  )
  const [cls, first] = [0, TOKENS + 1]
  expect(inspect(model)).toMatchObject({ protectedTokens: [cls, first, first + 1] })
  const dense = await run(model, images)
  const traced = await run(pruned(model, { ...at(0.4, 0, 1), trace: true }), images)
  for (const kept of rows(traced['tp.trace.1.indices']))
    expect(kept).toEqual(expect.arrayContaining([cls, first, first + 1]))
  expect(traced.map?.dims).toEqual(dense.map?.dims)
  const again = await run(pruned(pruned(model, at(0.6, 0)), at(0.6, 1)), images)
  expect(difference(numbers(again.map), numbers((await run(pruned(model, at(0.6, 0, 1)), images)).map))).toBeLessThan(
    1e-5,
  )
})

/** Queries attend to each other and to the tokens, as a detector's decoder does. */
function decoded(x: Tensor): Tensor {
  const attend = (queries: Tensor, keys: Tensor): Tensor =>
    add(queries, matmul(softmax(div(matmul(queries, swapLast(keys)), Math.sqrt(HIDDEN))), keys))
  let queries = attend(learned(x, 5), x)
  for (let layer = 0; layer < 2; layer++) queries = attend(attend(queries, queries), x)
  return queries
}

test('takes a decoder with a fixed number of queries for a head, not for more layers', async () => {
  const model = imageEncoder(decoded)
  expect(inspect(model)).toMatchObject({
    ok: true,
    head: [{ reads: [{ kind: 'attention' }] }],
    laterLayers: [{ layers: 2, tokens: 5 }],
  })
  const found = inspect(model)
  expect(found.ok && found.layers).toHaveLength(options.layerCount)
  const [dense, kept] = [await run(model, images), await run(pruned(model, at(1, 0, 1)), images)]
  expect(difference(numbers(kept.map), numbers(dense.map))).toBeLessThan(1e-6)
  const direct = await run(pruned(model, at(0.7, 0, 1)), images)
  const again = await run(pruned(pruned(model, at(0.7, 0)), at(0.7, 1)), images)
  expect(difference(numbers(again.map), numbers(direct.map))).toBeLessThan(1e-5)
})

import {
  add,
  axisSize,
  concat,
  constant,
  equal,
  expand,
  gather,
  input,
  less,
  matmul,
  max,
  mean,
  mul,
  pad,
  range,
  reshape,
  schedule,
  slice,
  softmax,
  squeeze,
  sub,
  sum,
  swapLast,
  type Tensor,
  topK,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { applyOne, type Op, operators } from '@tp/core/expression'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, prune, transform } from '../src/index.ts'
import { encoder, plainEncoder, type TestEncoderOptions } from './encoders.ts'
import { expectHiddenKeys } from './hidden-keys.ts'
import { difference, float32, int64, numbers, rows, run } from './run.ts'

const LENGTHS = [9, 4, 6]

/** Texts padded on one side to a common width. */
function texts(lengths: readonly number[], side: 'left' | 'right', width = Math.max(...lengths)): NamedTensors {
  const at = lengths.flatMap((length) =>
    Array.from({ length: width }, (_, i) => (side === 'right' ? i : i - (width - length))),
  )
  const isToken = at.map((position, i) => position >= 0 && position < (lengths[Math.floor(i / width)] as number))
  const ids = at.map((position, i) =>
    isToken[i] ? (position * 7 + (lengths[Math.floor(i / width)] as number)) % 29 : 1,
  )
  return {
    input_ids: int64([lengths.length, width], ids),
    attention_mask: int64([lengths.length, width], isToken.map(Number)),
  }
}

/**
 * Keeping all tokens changes nothing, on whichever side texts are padded. Pruned by half, a text alone gives what it gives in a batch.
 */
async function expectSound(model: Model): Promise<void> {
  const pruned = (options: { readonly keep: number } | { readonly tokens: number }): Model => {
    const amounts = schedule(2, { layers: [0, 1], ...options })
    return transform(model, prune({ method: receivedAttention(), schedule: amounts })).model
  }
  const whole = pruned({ tokens: 99 })
  for (const side of ['right', 'left'] as const) {
    const dense = numbers((await run(model, texts(LENGTHS, side))).logits)
    expect(difference(numbers((await run(whole, texts(LENGTHS, side))).logits), dense)).toBeLessThan(1e-5)
  }
  const half = pruned({ keep: 0.5 })
  const together = rows((await run(half, texts(LENGTHS, 'right'))).logits) as number[][]
  const dense = numbers((await run(model, texts(LENGTHS, 'right'))).logits)
  expect(difference(together.flat(), dense)).toBeGreaterThan(1e-4)
  for (const [i, length] of LENGTHS.entries()) {
    const alone = numbers((await run(half, texts([length], 'right'))).logits)
    expect(difference(alone, together[i] as number[])).toBeLessThan(1e-5)
  }
}

const hidden = plainEncoder.heads * plainEncoder.headDim
const { weight } = randomLayers(seeded(3))

test('a class token that is appended to the tokens, and to their mask by padding it, is followed', async () => {
  const token = weight([1, 1, hidden], 1)
  const options = {
    ...plainEncoder,
    mask: 'chosen' as const,
    readMask: (mask: Tensor) => pad(mask, [0, 0, 0, 1], 1),
    start: (x: Tensor) => concat([x, expand(token, [axisSize(x, 0), 1, hidden])], 1),
    head: (x: Tensor) => matmul(gather(x, -1, 1), weight([hidden, 3], 1)),
  }
  await expectSound(decodeModel(encoder(options)))
})

test('experts that are chosen by TopK for each token are followed', async () => {
  const experts = 4
  const gates = weight([hidden, experts], 1)
  const own = Array.from({ length: experts }, () => weight([hidden, hidden], 0.5))
  const gate = (x: Tensor): Tensor => {
    const shares = softmax(matmul(x, gates))
    const { values, indices } = topK(shares, 2)
    const chosen = applyOne(operators.get('ScatterElements') as Op, [mul(shares, 0), indices, values], { axis: 2 })
    return own
      .map((product, i) => mul(slice(chosen, { axis: 2, start: i, end: i + 1 }), matmul(x, product)))
      .reduce((sum, each) => add(sum, each))
  }
  await expectSound(decodeModel(encoder({ ...plainEncoder, pooling: 'masked mean', gate })))
})

/** Texts padded on the right are pruned by the mass of their scores: later layers are those of the dense model without these keys. */
async function expectHidden(
  hide: (scores: Tensor) => Tensor,
  more: NamedTensors = {},
  options: Partial<TestEncoderOptions> = {},
): Promise<void> {
  const built = {
    ...plainEncoder,
    layerCount: 3,
    mask: 'none' as const,
    hide,
    ...options,
    pool: (x: Tensor) => matmul(gather(x, 0, 1), classes),
  }
  // Examples keep different numbers of tokens, so that fillers have to be hidden, too.
  const plan = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], mass: 0.7 }) }
  await expectHiddenKeys(built, plan, { ...texts(LENGTHS, 'right'), ...more })
}

const classes = weight([hidden, 3], 1)
const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
const hidePadding = (scores: Tensor): Tensor => where(equal(unsqueeze(mask, [1, 2]), 0), -1e9, scores)

test('scores may have a bias that weights make of boxes, an input next to the mask', async () => {
  const boxes = input('bbox', 'float32', ['batch', 'sequence', 2])
  const distances = sub(unsqueeze(boxes, 2), unsqueeze(boxes, 1))
  const bias = transpose(matmul(distances, weight([2, plainEncoder.heads], 1)), [0, 3, 1, 2])
  const [batch, tokens] = [LENGTHS.length, Math.max(...LENGTHS)]
  const bbox = float32(
    [batch, tokens, 2],
    Array.from({ length: batch * tokens * 2 }, (_, i) => Math.sin(3 * i)),
  )
  await expectHidden((scores) => hidePadding(add(scores, bias)), { bbox })
})

test('layers that count the tokens hide the same padding as those that look at each, on the right', async () => {
  const positions = unsqueeze(range(0, squeeze(axisSize(mask, 1), [0])), [0])
  const isCounted = less(positions, unsqueeze(sum(mask, 1), [1]))
  let layers = 0
  await expectHidden((scores) =>
    layers++ % 3 === 0 ? hidePadding(scores) : where(unsqueeze(isCounted, [1, 2]), scores, -1e9),
  )
})

test('the first layers of a hierarchy are an encoder, to which those over its examples are a head', async () => {
  const { norm, weight: drawn } = randomLayers(seeded(5))
  const ids = input('ids', 'int64', ['documents', 'sentences', 6])
  const layer = (x: Tensor): Tensor => {
    const [q, k, v] = [1, 1, 0.5].map((deviation) => matmul(x, drawn([hidden, hidden], deviation)))
    return norm(add(x, matmul(softmax(matmul(q as Tensor, swapLast(k as Tensor))), v as Tensor)))
  }
  const words = norm(gather(drawn([30, hidden], 1), reshape(ids, [-1, 6]), 0))
  const sentences = reshape(gather(layer(layer(words)), 0, 1), [axisSize(ids, 0), axisSize(ids, 1), hidden])
  const model = decodeModel(emitModel({ logits: matmul(mean(layer(sentences), 1), classes) }))
  const feeds = (count: number): NamedTensors => ({
    ids: int64(
      [count, 4, 6],
      Array.from({ length: count * 24 }, (_, i) => (i * 7) % 29),
    ),
  })
  expect(inspect(model)).toMatchObject({ ok: true, layers: [{}, {}], tokens: 6 })
  const pruned = (keep: number): Model =>
    transform(model, prune({ method: receivedAttention(), schedule: schedule(2, { layers: [0], keep }) })).model
  const dense = numbers((await run(model, feeds(2))).logits)
  expect(difference(numbers((await run(pruned(1), feeds(2))).logits), dense)).toBeLessThan(1e-5)
  const [half] = rows((await run(pruned(0.5), feeds(2))).logits) as number[][]
  expect(difference(half as number[], dense.slice(0, 3))).toBeGreaterThan(1e-4)
  expect(difference(numbers((await run(pruned(0.5), feeds(1))).logits), half as number[])).toBeLessThan(1e-5)
})

describe('a sink that the scores are joined with stands for no token', () => {
  const { heads } = plainEncoder
  const sinks = (count: number, scores: Tensor): Tensor => {
    const learned = Array.from({ length: heads * count }, (_, i) => 2 * Math.sin(i))
    const sizes = [axisSize(scores, 0), heads, axisSize(scores, 2), count]
    return expand(constant(learned, 'float32', [1, heads, 1, count]), sizes)
  }
  const shifted = (x: Tensor): Tensor => sub(x, max(x, 3, { keepDims: true }))
  test.each<[string, (scores: Tensor) => Tensor]>([
    ['after them', (scores) => slice(softmax(concat([scores, sinks(1, scores)], 3)), { axis: 3, start: 0, end: -1 })],
    [
      'before them, several, and the largest score is subtracted',
      (scores) => slice(softmax(shifted(concat([sinks(2, scores), scores], 3))), { axis: 3, start: 2 }),
    ],
  ])('%s', (_, soften) => expectHidden(hidePadding, {}, { soften }))
})

import {
  add,
  axisSize,
  cast,
  constant,
  div,
  equal,
  expand,
  gather,
  gatherND,
  input,
  matmul,
  max,
  maximum,
  mean,
  mul,
  norm2,
  reshape,
  shape,
  slice,
  softmax,
  sqrt,
  squeeze,
  sub,
  sum,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { type HeadOutput, inspect, prune, quantize, type TokenReading, transform } from '../src/index.ts'
import { disguise } from './disguise.ts'
import { statesOf, type TestEncoderOptions } from './encoders.ts'
import { type Fixture, fixtures, inspectFixture } from './fixtures.ts'

/** The name of the pooling in the facts of an exported encoder. */
const readings: Readonly<Record<string, readonly TokenReading['kind'][]>> = {
  cls: ['class-token'],
  mean: ['mean'],
  'cls+mean': ['class-token', 'mean'],
  last: ['last-token'],
  // The last one that is not the token of padding: the mask does not say it.
  'last-by-ids': ['chosen-token'],
  'attention-pool': ['attention'],
}

describe('says what exported encoders make of their tokens', () => {
  for (const fixture of fixtures.filter(({ facts }) => facts.prunable)) {
    test(fixture.name, () => {
      const report = inspectFixture(fixture)
      const head = report.ok ? report.head : []
      expect(head.length).toBeGreaterThan(0)
      for (const { output, reads } of head) expect(kindsOf(reads), output).toEqual(expectedKinds(fixture, output))
      const isMasked = head.flatMap(({ reads }) => reads).every((read) => !('masked' in read) || read.masked)
      if (fixture.facts.pooling === 'mean') expect(isMasked).toBe(fixture.facts.maskInput !== null)
    })
  }
})

function expectedKinds({ facts }: Fixture, output: string): readonly TokenReading['kind'][] {
  const pooled = readings[facts.pooling]
  if (pooled !== undefined && !output.includes('hidden_state')) return pooled
  return output.includes('hidden_state') ? ['token-states'] : ['token-answers']
}

function kindsOf(reads: readonly TokenReading[]): TokenReading['kind'][] {
  return [...new Set(reads.map(({ kind }) => kind))]
}

const plain: TestEncoderOptions = {
  ...{ layerCount: 2, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'cls', opset: 17, seed: 3 },
}
const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
const real = cast(mask, 'float32')
const weights = (x: Tensor): Tensor => expand(unsqueeze(real, [2]), shape(x))
const total = (x: Tensor): Tensor => sum(mul(x, weights(x)), 1)
const vector = constant(
  Array.from({ length: 8 }, (_, i) => Math.cos(i)),
  'float32',
  [8, 1],
)
const unit = (x: Tensor): Tensor => div(x, expand(maximum(norm2(x, 1, { keepDims: true }), 1e-12), shape(x)))

const heads: readonly [string, (x: Tensor) => Tensor, readonly TokenReading[], boolean?][] = [
  [
    'the class token by Slice',
    (x) => squeeze(slice(x, { axis: 1, start: 0, end: 1 }), [1]),
    [{ kind: 'class-token', position: 0 }],
  ],
  ['another leading token', (x) => gather(x, 2, 1), [{ kind: 'class-token', position: 2 }]],
  ['a mean of all', (x) => mean(x, 1), [{ kind: 'mean', masked: false }]],
  [
    'a sum by the count of the mask',
    (x) => div(total(x), maximum(sum(weights(x), 1), 1e-9)),
    [{ kind: 'mean', masked: true }],
  ],
  [
    'a sum of shares',
    (x) => sum(mul(x, unsqueeze(div(real, sum(real, 1, { keepDims: true })), [2])), 1),
    [{ kind: 'mean', masked: true }],
  ],
  [
    'a product with shares',
    (x) => squeeze(matmul(unsqueeze(div(real, sum(real, 1, { keepDims: true })), [1]), x), [1]),
    [{ kind: 'mean', masked: true }],
  ],
  [
    'a product by the count',
    (x) => div(squeeze(matmul(unsqueeze(real, [1]), x), [1]), sum(real, 1, { keepDims: true })),
    [{ kind: 'mean', masked: true }],
  ],
  [
    'a chosen sum by the count of all',
    (x) => div(sum(where(cast(unsqueeze(mask, [2]), 'bool'), x, 0), 1), cast(axisSize(x, 1), 'float32')),
    [{ kind: 'mean', masked: true }],
  ],
  ['a mean of length 1', (x) => unit(mean(x, 1)), [{ kind: 'mean', masked: false }], true],
  [
    'a sum of length 1, whose length is written out',
    (x) => div(total(x), sqrt(sum(mul(total(x), total(x)), 1, { keepDims: true }))),
    [{ kind: 'sum', masked: true }],
    true,
  ],
  ['a sum', total, [{ kind: 'sum', masked: true }]],
  ['the largest', (x) => max(x, 1), [{ kind: 'max' }]],
  ['the last token', (x) => gather(x, -1, 1), [{ kind: 'last-token' }]],
  ['the last attended token', (x) => gatherND(x, unsqueeze(sub(sum(mask, 1), 1), [1]), 1), [{ kind: 'last-token' }]],
  ['attention by a learned query', (x) => sum(mul(x, softmax(matmul(x, vector), 1)), 1), [{ kind: 'attention' }]],
  [
    'attention as a product',
    (x) => reshape(matmul(softmax(swapLast(matmul(x, vector))), x), [-1, 8]),
    [{ kind: 'attention' }],
  ],
  [
    'products of features, summed (a Gram matrix)',
    (x) => matmul(transpose(x, [0, 2, 1]), x),
    [{ kind: 'other', operator: 'MatMul' }],
  ],
  [
    'states by their share of each cluster, summed (VLAD)',
    (x) => sum(mul(unsqueeze(x, [3]), unsqueeze(softmax(slice(x, { axis: 2, start: 0, end: 2 }), 2), [2])), 1),
    [{ kind: 'sum', masked: false }],
  ],
  [
    'the class token and the mean of the others',
    (x) => add(gather(x, 0, 1), mean(slice(x, { axis: 1, start: 1 }), 1)),
    [
      { kind: 'class-token', position: 0 },
      { kind: 'mean', masked: false },
    ],
  ],
  ['all states', (x) => x, [{ kind: 'token-states' }]],
  ['an answer for each', (x) => matmul(x, vector), [{ kind: 'token-answers' }]],
  [
    'states that are minus infinity at padding',
    (x) => where(equal(unsqueeze(mask, [2]), 0), Number.NEGATIVE_INFINITY, x),
    [{ kind: 'token-answers' }],
  ],
]

describe('finds by structure alone', () => {
  for (const [row, norm] of (['pre', 'post'] as const).entries()) {
    test.each(heads.filter((_, i) => i % 2 === row))(`${norm}-norm: %s`, (_, head, reads, normalized = false) => {
      const { logits } = statesOf({ ...plain, norm, head })
      const model = decodeModel(emitModel({ logits }, { opset: 17 }))
      expect(headOf(model)).toEqual([{ output: 'logits', reads, normalized }])
      const disguised = disguise(model, 5, {})
      expect(headOf(disguised.model).map(({ reads }) => reads)).toEqual([reads])
    })
  }
})

test('an answer for each token is one in 8 bits, too', () => {
  const { logits } = statesOf({ ...plain, head: (x) => matmul(x, vector) })
  const result = transform(decodeModel(emitModel({ logits }, { opset: 17 })), quantize())
  expect(headOf(result.model).map(({ reads }) => reads)).toEqual([[{ kind: 'token-answers' }]])
})

test('says it of each of several outputs, and after pruning', () => {
  const { logits, streams } = statesOf({ ...plain, head: (x) => unit(mean(x, 1)) })
  const model = decodeModel(emitModel({ logits, states: streams.at(-1) as Tensor }, { opset: 17 }))
  const head = [
    { output: 'logits', reads: [{ kind: 'mean', masked: false }], normalized: true },
    { output: 'states', reads: [{ kind: 'token-states' }], normalized: false },
  ]
  expect(headOf(model)).toEqual(head)
  const half = new Map([[1, { kind: 'ratio' as const, value: 0.5 }]])
  for (const restore of ['all', 'none'] as const) {
    const result = transform(model, prune({ method: receivedAttention(), schedule: half, restore }))
    expect(headOf(result.model), restore).toEqual(head)
  }
})

function headOf(model: Parameters<typeof inspect>[0]): readonly HeadOutput[] {
  const found = inspect(model)
  if (!found.ok) throw new Error(found.refusal.message)
  return found.head
}

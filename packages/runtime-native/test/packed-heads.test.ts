// Heads that compute something of padding before they mask it: packed, they give what they give padded.
import { type PruneOptions, pack, prune, transform } from '@tp/compiler'
import {
  add,
  axisSize,
  cast,
  clip,
  constant,
  div,
  equal,
  exp,
  expand,
  gatherND,
  log,
  logSoftmax,
  matmul,
  max,
  mean,
  mul,
  neg,
  none,
  norm2,
  range,
  reciprocal,
  relu,
  schedule,
  shape,
  softmax,
  squeeze,
  sub,
  sum,
  swapLast,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import { decodeModel, encodeModel } from '@tp/onnx'
import { encoderWithHead } from 'exported-encoders'
import { expect, test } from 'vitest'
import { describeNative } from './native.ts'
import { requireSameAnswers } from './packed-answers.ts'

/** Of `encoderWithHead`. */
const hidden = 8

/** The inputs of a head: the last states [b,n,D], and the mask as 0 and 1, [b,n,1]. */
interface LastStates {
  readonly x: Tensor
  readonly mask: Tensor
}

type Head = (states: LastStates) => Tensor

const masked = ({ x, mask }: LastStates): Tensor => mul(x, mask)
const count = ({ mask }: LastStates): Tensor => sum(mask, 1)
/** As `F.normalize` is exported: the norm is repeated before it divides. */
const normalized = (x: Tensor): Tensor => div(x, expand(clip(norm2(x, -1, { keepDims: true }), 1e-12), shape(x)))

const headsByName: Readonly<Record<string, Head>> = {
  'tokens of length 1, padding set to 0': ({ x, mask }) => mul(normalized(x), mask),
  'tokens set to 0 and then divided by their length': (states) => normalized(masked(states)),
  'the mean of tokens of length 1': ({ x, mask }) => div(sum(mul(normalized(x), mask), 1), count({ x, mask })),
  'the mean of tokens times the reciprocal of their length': ({ x, mask }) =>
    div(sum(mul(mul(x, reciprocal(norm2(x, -1, { keepDims: true }))), mask), 1), count({ x, mask })),
  'the mean entropy of tokens': ({ x, mask }) => {
    const p = softmax(x)
    const entropy = neg(sum(mul(p, log(expand(p, shape(x)))), -1, { keepDims: true }))
    return div(sum(mul(entropy, mask), 1), count({ x, mask }))
  },
  'the largest logarithm of a term (SPLADE)': ({ x, mask }) => max(mul(log(add(1, relu(x))), mask), 1),
  'logits that are −10⁴ at padding': ({ x, mask }) => where(equal(mask, 0), -1e4, logSoftmax(x)),
  'masked states that are at least 0.01, summed': (states) => sum(clip(masked(states), 0.01), 1),
  'exponentials of masked states': (states) => exp(masked(states)),
  'logarithms of exponentials of masked states, mixed': (states) => log(sum(exp(masked(states)), 1)),
  'a mean by attention over the tokens': ({ x, mask }) => {
    const scores = where(equal(mask, 0), -1e9, sum(x, -1, { keepDims: true }))
    return squeeze(matmul(swapLast(softmax(scores, 1)), x), [1])
  },
  'the last real token': ({ x, mask }) => {
    const positions = unsqueeze(cast(range(0, squeeze(axisSize(mask, 1), [0])), 'float32'), [1])
    return gatherND(x, cast(max(mul(mask, positions), 1), 'int64'), 1)
  },
  'states less their own mean, divided by their deviation': ({ x, mask }) => {
    const apart = sub(x, expand(div(sum(x, -1, { keepDims: true }), hidden), shape(x)))
    return div(
      sum(mul(div(apart, expand(norm2(apart, -1, { keepDims: true }), shape(x))), mask), 1),
      count({ x, mask }),
    )
  },
}

/** The head reads a product of the last states, so that it does not begin with their norm. */
function encoderWith(head: Head): Uint8Array {
  return encoderWithHead(({ x, mask, linear }) => mul(head({ x: linear(x, hidden), mask }), constant(1)))
}

/** A head alone, and how the layers before it are pruned. */
type PrunedHead = readonly [head: string, options: PruneOptions]

const half = schedule(2, { layers: [0], keep: 0.5 })
const prunings: Readonly<Record<string, PrunedHead>> = {
  'whose tokens are restored upstream of a division': [
    'the mean of tokens times the reciprocal of their length',
    { method: receivedAttention(), schedule: half, restore: 'all' },
  ],
  'that counts merged tokens, and padding': [
    'masked states that are at least 0.01, summed',
    { method: tome(), schedule: half },
  ],
  'of whose last layer one token is computed': ['the last real token', { method: none(), schedule: new Map() }],
  'of whose last layer one of the kept tokens is computed': [
    'the last real token',
    { method: receivedAttention(), schedule: half },
  ],
}

describeNative('a packed head', () => {
  test.each(Object.entries(headsByName))('gives what it gives padded: %s', async (_, head) => {
    await requireSameAnswers(encoderWith(head))
  })

  test.each(Object.entries(prunings))(
    'a pruned model %s gives the same packed as padded',
    async (_, [head, options]) => {
      const result = transform(decodeModel(encoderWith(headsByName[head] as Head)), prune(options))
      await requireSameAnswers(encodeModel(result.model))
    },
  )

  test.each<[string, Head]>([
    ['a mean', ({ x }) => mean(x, 1)],
    ['the largest', ({ x }) => max(x, 1)],
  ])('refuses a head that counts padding: %s', (_, head) => {
    expect(() => transform(decodeModel(encoderWith(head)), pack())).toThrow(
      expect.objectContaining({
        refusal: expect.objectContaining({
          code: 'TP_PACK',
          message: expect.stringMatching(/depend on the padding.*Reduce(Mean|Max) counts/),
        }),
      }),
    )
  })
})

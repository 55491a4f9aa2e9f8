import {
  add,
  cast,
  div,
  gather,
  type Method,
  matmul,
  max,
  mean,
  mul,
  not,
  type Schedule,
  schedule,
  sequence,
  softmax,
  squeeze,
  sub,
  sum,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, type Model } from '@tp/onnx'
import { encoderWithHead, type HeadInput } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { pack, prune, transform, whyRefused } from '../src/index.ts'
import { encoder, plainEncoder, type TestEncoderOptions } from './encoders.ts'
import { merging } from './fused-methods.ts'

type Head = (input: HeadInput) => Tensor

/** The states, weighed by scores [b,n,1]. */
const attending = (x: Tensor, scores: Tensor): Tensor => sum(mul(x, unsqueeze(softmax(squeeze(scores, [2])), [2])), 1)

/** The states, weighed by how well they suit the query that the first of them makes; `hiding` is added to the scores [b,1,n]. */
function attendedBy(x: Tensor, query: Tensor, hiding?: Tensor): Tensor {
  const scores = matmul(query, transpose(x, [0, 2, 1]))
  return squeeze(matmul(softmax(hiding === undefined ? scores : add(scores, hiding)), x), [1])
}

const masked: Readonly<Record<string, Head>> = {
  'a mean of real tokens': ({ x, mask }) => div(sum(mul(x, mask), 1), sum(mask, 1)),
  'the largest of real tokens': ({ x, mask }) => max(where(cast(mask, 'bool'), x, -1e9), 1),
  'attention to real tokens': ({ x, mask, linear }) => attending(x, add(linear(x, 1), mul(sub(1, mask), -1e9))),
  'attention by a query to real tokens': ({ x, mask }) =>
    attendedBy(x, unsqueeze(gather(x, 0, 1), [1]), transpose(mul(sub(1, mask), -1e9), [0, 2, 1])),
  'the first token': ({ x }) => gather(x, 0, 1),
}
const unmasked: Readonly<Record<string, Head>> = {
  'a mean of all tokens': ({ x }) => mean(x, 1),
  'a sum of scores of all tokens': ({ x, linear }) => sum(squeeze(linear(x, 1), [2]), 1),
  'the largest of all tokens': ({ x }) => max(x, 1),
  'attention to all tokens': ({ x, linear }) => attending(x, linear(x, 1)),
  'attention by a query to all tokens': ({ x }) => attendedBy(x, unsqueeze(gather(x, 0, 1), [1])),
  'what a mean of all tokens is subtracted from': ({ x, mask }) =>
    sum(mul(sub(x, mean(x, 1, { keepDims: true })), mask), 1),
}

const layers = [0]
const prunings: Readonly<Record<string, (model: Model) => Model>> = {
  'is not pruned': (model) => model,
  'drops tokens': (model) => pruned(model, receivedAttention(), schedule(2, { keep: 0.5, layers })),
  'merges tokens': (model) => pruned(model, merging(), schedule(2, { keep: 0.5, layers })),
}

function pruned(model: Model, method: ReturnType<typeof merging>, amounts: Schedule): Model {
  return transform(model, prune({ method, schedule: amounts })).model
}

const withHead = (head: Head): Model => decodeModel(encoderWithHead(head))

describe.each(Object.entries(prunings))('a model that %s', (_, prunedFrom) => {
  test.each(Object.entries(masked))('packs a head that reads %s', (_, head) => {
    expect(whyRefused(() => transform(prunedFrom(withHead(head)), pack()))).toBeUndefined()
  })

  test.each(Object.entries(unmasked))('refuses to pack a head that reads %s', (_, head) => {
    expect(whyRefused(() => transform(prunedFrom(withHead(head)), pack()))).toMatchObject({
      code: 'TP_PACK',
      message: expect.stringMatching(/depend on the padding of a batch: (Reduce\w+|Softmax) counts tokens of padding/),
    })
  })
})

test('a mean over all tokens is one of the kept ones once the data decide how many there are, and is packed', () => {
  const mean = decodeModel(encoder({ ...plainEncoder, pooling: 'mean' }))
  const byMass = pruned(mean, receivedAttention(), schedule(2, { mass: 0.8, layers }))
  expect(whyRefused(() => transform(byMass, pack()))).toBeUndefined()
})

/** Drops padding, and no other token. */
const dropping: Method = {
  name: 'dropping',
  family: 'hybrid',
  site: 'input',
  unscheduled: true,
  adaptive: true,
  lossless: true,
  reduce: (site) => ({ keep: site.budget === undefined ? site.attended : not(site.padding) }),
}

describe.each([
  ['free', undefined],
  ['fixed', [1, 10]],
] as const)('a method without loss, a length that is %s', (_, sizes) => {
  const drop = (pooling: TestEncoderOptions['pooling'], method = dropping): unknown =>
    pruned(
      decodeModel(encoder({ ...plainEncoder, ...(sizes && { sizes }), pooling })),
      method,
      schedule(2, { keep: 0.5, layers }),
    )

  test.each(['cls', 'masked mean', 'max', 'none'] as const)('drops padding upstream of the pooling %s', (pooling) => {
    expect(whyRefused(() => drop(pooling))).toBeUndefined()
  })

  test('refuses a mean that counts padding, by itself and in front of another method', () => {
    const refusal = { code: 'TP_PADDING', message: expect.stringContaining('ReduceMean counts tokens of padding') }
    expect(whyRefused(() => drop('mean'))).toMatchObject(refusal)
    expect(whyRefused(() => drop('mean', sequence(dropping, receivedAttention())))).toMatchObject(refusal)
  })
})

import {
  add,
  axisSize,
  cast,
  clip,
  constant,
  cumSum,
  div,
  einsum,
  equal,
  exp,
  fill,
  input,
  log,
  matmul,
  maximum,
  mean,
  mul,
  neg,
  not,
  pow,
  range,
  schedule,
  sigmoid,
  slice,
  softmax,
  squeeze,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'

import { decodeModel, emitModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { type PruneOptions, prune, transform } from '../src/index.ts'
import { encoder, inputsOf, plainEncoder, statesOf } from './encoders.ts'
import { merging } from './fused-methods.ts'
import { difference, float32, numbers, run } from './run.ts'

/** The word of padding. */
const PADDING = 0

const [batch, tokens] = [3, 10]
const inputs = withPadding(inputsOf(plainEncoder, batch, tokens, 5))
const mask = (): Tensor => cast(input('attention_mask', 'int64', ['batch', 'sequence']), 'float32')
const total = (weights: Tensor): Tensor => clip(sum(weights, 1, { keepDims: true }), 1e-9)

/** Words of padding where the mask has 0, and nowhere else. */
function withPadding({ input_ids: ids, attention_mask: own }: NamedTensors): NamedTensors {
  const real = numbers(own)
  const words = numbers(ids).map((id, i) => BigInt(real[i] ? id || 1 : PADDING))
  return { input_ids: { ...ids, data: BigInt64Array.from(words) } as TensorLike, attention_mask: own as TensorLike }
}

type Head = (x: Tensor) => Tensor

const weighted = (x: Tensor, weights: Tensor): Tensor => div(sum(mul(x, unsqueeze(weights, 2)), 1), total(weights))

const maskedMean: Head = (x) => weighted(x, mask())

const masked: Head = (x) => sum(mul(x, unsqueeze(mask(), 2)), 1)

/** The number of tokens, padding included. */
const whole = (): Tensor => cast(axisSize(input('input_ids', 'int64', ['batch', 'sequence']), 1), 'float32')

/** The share of the tokens that are real. */
const share = (): Tensor => mean(mask(), 1, { keepDims: true })

/** Means of which the number is made so that it cannot follow the tokens. */
const refusedMeans: readonly (readonly [operator: string, form: string, head: Head])[] = [
  ['CumSum', 'its last sum', (x) => div(masked(x), slice(cumSum(mask(), 1), { axis: 1, start: -1 }))],
  ['MatMul', 'ones', (x) => div(masked(x), matmul(mask(), fill(1, 'float32', [axisSize(mask(), 1), 1])))],
  ['ReduceMean', 'a mean times the length', (x) => div(masked(x), mul(share(), whole()))],
  ['ReduceMean', 'a mean times a fixed length', (x) => div(masked(x), mul(share(), tokens))],
  [
    'ReduceSum',
    'a sum over the length',
    (x) => div(mean(mul(x, unsqueeze(mask(), 2)), 1), div(total(mask()), whole())),
  ],
  ['Softmax', 'shares', (x) => sum(mul(x, unsqueeze(softmax(mul(sub(mask(), 1), 1e4), -1), 2)), 1)],
]

/** Forms of one mean, as exporters write them. */
const means: Readonly<Record<string, Head>> = {
  'shares times states by Einsum': (x) => einsum('bn,bnd->bd', div(mask(), total(mask())), x),
  'states times shares by Einsum': (x) => einsum('bnd,bn->bd', x, div(mask(), total(mask()))),
  'a sum by Einsum, divided': (x) => div(einsum('bn,bnd->bd', mask(), x), total(mask())),
  'a sum times a power of the count': (x) => mul(masked(x), pow(total(mask()), -1)),
  'a sum times the count by logarithms': (x) => mul(masked(x), exp(neg(log(total(mask()))))),
  'a mean over that of the mask': (x) => div(mean(mul(x, unsqueeze(mask(), 2)), 1), share()),
  'a sum over the count, or a computed 1': (x) =>
    div(masked(x), maximum(total(mask()), cast(constant(1, 'int64'), 'float32'))),
  'a sum over the words that are not padding': (x) => {
    const ids = input('input_ids', 'int64', ['batch', 'sequence'])
    return div(masked(x), total(cast(not(equal(ids, PADDING)), 'float32')))
  },
}

/** 1, 2, 3, … for the tokens, from how many states there are. */
const positionsOf = (x: Tensor): Tensor =>
  cast(unsqueeze(range(1, add(squeeze(axisSize(x, 1), [0]), 1), 1), 0), 'float32')

const byPosition: Head = (x) => weighted(x, mul(positionsOf(x), mask()))
/** The same weights as an input, which belongs to the tokens beyond doubt. */
const byInput: Head = (x) => weighted(x, input('weights', 'float32', ['batch', 'sequence']))

const attended = numbers(inputs.attention_mask)
const weights = float32(
  [batch, tokens],
  attended.map((real, i) => real * ((i % tokens) + 1)),
)

const prunings = [
  ['a ratio', { method: receivedAttention(), schedule: schedule(2, { layers: [0, 1], keep: 0.5 }) }],
  ['a mass', { method: receivedAttention(), schedule: schedule(2, { layers: [0], mass: 0.6 }) }],
  ['merging', { method: merging(), schedule: schedule(2, { layers: [0, 1], keep: 0.6 }) }],
] as const

async function logitsOf(head: Head, options?: PruneOptions, fed: NamedTensors = inputs): Promise<number[]> {
  const dense = decodeModel(encoder({ ...plainEncoder, head }))
  if (options === undefined) return numbers((await run(dense, fed)).logits)
  const result = transform(dense, prune(options))
  return numbers((await run(result.model, fed)).logits)
}

for (const [operator, form, head] of refusedMeans) {
  test(`a mean is refused whose number of tokens is made by ${operator}: ${form}`, async () => {
    expect(difference(await logitsOf(head), await logitsOf(maskedMean))).toBeLessThan(1e-5)
    await expect(logitsOf(head, prunings[0][1])).rejects.toThrow(
      expect.objectContaining({ code: 'TP_POOLING', message: expect.stringContaining(`that ${operator} makes`) }),
    )
  })
}

test('each of several means has the number of its own tokens', async () => {
  const { streams } = statesOf(plainEncoder)
  const number = total(mask())
  const meanOf = (x: Tensor): Tensor => div(masked(x), number)
  const [, early, last] = streams as [Tensor, Tensor, Tensor]
  const outputs = { early: meanOf(early), logits: meanOf(last), both: meanOf(add(early, last)) }
  const shared = decodeModel(emitModel(outputs, { opset: 17 }))
  const options = { method: receivedAttention(), schedule: schedule(2, { layers: [1], keep: 0.5 }) }
  const [dense, pruned] = [await run(shared, inputs), await run(transform(shared, prune(options)).model, inputs)]
  expect(difference(numbers(pruned.early), numbers(dense.early))).toBeLessThan(1e-6)
  const alone = await run(
    transform(decodeModel(emitModel({ logits: meanOf(last) }, { opset: 17 })), prune(options)).model,
    inputs,
  )
  expect(difference(numbers(pruned.logits), numbers(alone.logits))).toBeLessThan(1e-6)
  expect(difference(numbers(pruned.logits), numbers(dense.logits))).toBeGreaterThan(1e-3)
})

test('a layer that divides by the number of tokens is refused where tokens are pruned before it', () => {
  const gate = (x: Tensor): Tensor => mul(x, unsqueeze(sigmoid(maskedMean(x)), 1))
  const dense = decodeModel(encoder({ ...plainEncoder, gate }))
  const pruneAt = (layer: number) =>
    transform(dense, prune({ method: receivedAttention(), schedule: schedule(2, { layers: [layer], keep: 0.5 }) }))
  expect(() => pruneAt(0)).toThrow(
    expect.objectContaining({ code: 'TP_POOLING', message: expect.stringContaining('a layer divides by the number') }),
  )
  expect(() => pruneAt(1)).not.toThrow()
})

for (const [amount, options] of prunings) {
  test(`counts kept tokens in a mean however it is written, after pruning by ${amount}`, async () => {
    const expected = await logitsOf(maskedMean, options)
    expect(difference(expected, await logitsOf(maskedMean))).toBeGreaterThan(1e-3)
    for (const [name, head] of Object.entries(means))
      expect(difference(await logitsOf(head, options), expected), name).toBeLessThan(1e-5)
  })

  test(`weighs kept tokens by their positions in the input, after pruning by ${amount}`, async () => {
    const expected = await logitsOf(byInput, options, { ...inputs, weights })
    expect(difference(expected, await logitsOf(byInput, undefined, { ...inputs, weights }))).toBeGreaterThan(1e-3)
    expect(difference(await logitsOf(byPosition, options), expected)).toBeLessThan(1e-5)
  })
}

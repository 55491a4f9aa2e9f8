import {
  add,
  axisSize,
  cast,
  clip,
  div,
  einsum,
  input,
  mul,
  range,
  schedule,
  squeeze,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'

import { decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { type PruneOptions, prune, transform } from '../src/index.ts'
import { encoder, inputsOf, plainEncoder } from './encoders.ts'
import { merging } from './fused-methods.ts'
import { difference, float32, numbers, run } from './run.ts'

const [batch, tokens] = [3, 10]
const inputs = inputsOf(plainEncoder, batch, tokens, 5)
const mask = (): Tensor => cast(input('attention_mask', 'int64', ['batch', 'sequence']), 'float32')
const total = (weights: Tensor): Tensor => clip(sum(weights, 1, { keepDims: true }), 1e-9)

type Head = (x: Tensor) => Tensor

const weighted = (x: Tensor, weights: Tensor): Tensor => div(sum(mul(x, unsqueeze(weights, 2)), 1), total(weights))

const maskedMean: Head = (x) => weighted(x, mask())

/** Forms of one mean, as exporters write them. */
const means: Readonly<Record<string, Head>> = {
  'shares times states by Einsum': (x) => einsum('bn,bnd->bd', div(mask(), total(mask())), x),
  'states times shares by Einsum': (x) => einsum('bnd,bn->bd', x, div(mask(), total(mask()))),
  'a sum by Einsum, divided': (x) => div(einsum('bn,bnd->bd', mask(), x), total(mask())),
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

for (const [amount, options] of prunings) {
  for (const [name, head] of Object.entries(means)) {
    test(`counts kept tokens in a mean written as ${name}, after pruning by ${amount}`, async () => {
      const expected = await logitsOf(maskedMean, options)
      expect(difference(expected, await logitsOf(maskedMean))).toBeGreaterThan(1e-3)
      expect(difference(await logitsOf(head, options), expected)).toBeLessThan(1e-5)
    })
  }

  test(`weighs kept tokens by their positions in the input, after pruning by ${amount}`, async () => {
    const expected = await logitsOf(byInput, options, { ...inputs, weights })
    expect(difference(expected, await logitsOf(byInput, undefined, { ...inputs, weights }))).toBeGreaterThan(1e-3)
    expect(difference(await logitsOf(byPosition, options), expected)).toBeLessThan(1e-5)
  })
}

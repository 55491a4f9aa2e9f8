import { gradients } from '@tp/autodiff'
import { add, constant, type Learned, mean, mul, sum, type Tensor } from '@tp/core'
import { arrayOf, expectClose, ofGradients, rowsOf, tensorOf, testMethod } from '@tp/core/testing'
import fc from 'fast-check'
import { run, testLearning } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { softenOnce } from '../test/soft-site.ts'
import { powerBert } from './index.ts'

testMethod(powerBert(), { run })

describe('the authors’ soft extraction (padding is attended, and the class token is not protected)', () => {
  test.each(['soft-extract-initial', 'soft-extract-grad', 'soft-extract-grad-pad'])(
    'gives the same states, regulariser and gradients: %s',
    async (name) => {
      const { inputs, outputs, params } = goldenCase(`power_bert/${name}`)
      const { lambda, layer } = params as { lambda: number; layer: number }
      const [hidden, retention] = [tensorOf(arrayOf(inputs, 'x')), tensorOf(arrayOf(inputs, 'W'))]
      const attention = tensorOf(arrayOf(inputs, 'atten'))
      const site = { hidden, attention, layer: layer - 1, layerCount: 12, params: { retention } }
      const { softened } = softenOnce(powerBert(), site)
      // Theirs is layer · Σ|W|, ours layer / layers · Σ|W| / T.
      const share = mean(softened.losses?.regulariser as Tensor, [0])
      const regulariser = mul(share, 12 * (retention.dims[0] as number) * lambda)
      const answer = sum(mul(softened.hidden as Tensor, tensorOf(arrayOf(inputs, 'grad_y'))), [0, 1, 2])
      const loss = add(answer, regulariser)
      const [slopeOfHidden, slopeOfWeights] = gradients(loss, [hidden, retention]) as [Tensor, Tensor]
      const results = await run({ y: softened.hidden as Tensor, regulariser, loss, slopeOfHidden, slopeOfWeights }, {})
      const numbers = (key: string) => Array.from(results[key]?.data as Float32Array)
      for (const key of ['y', 'regulariser', 'loss']) expectClose(numbers(key), arrayOf(outputs, key).data, key)
      expectClose(numbers('slopeOfHidden'), arrayOf(outputs, 'grad_x').data, 'grad_x', ofGradients)
      expectClose(numbers('slopeOfWeights'), arrayOf(outputs, 'grad_W').data, 'grad_W', ofGradients)
    },
  )

  test('clamps weights to 0 … 1 after a step', () => {
    const { outputs } = goldenCase('power_bert/soft-extract-grad')
    const { params } = powerBert().training ?? {}
    const { range: [low, high] = [] } = (typeof params === 'object' && params.retention) || {}
    const clipped = arrayOf(outputs, 'W_after_sgd_unclipped').data.map((x) =>
      Math.min(high ?? x, Math.max(low ?? x, x)),
    )
    expectClose(clipped, arrayOf(outputs, 'W_after_sgd_clipped').data, 'weights')
  })
})

describe('lengths from weights', () => {
  test.each(['retention-config', 'retention-config-small'])('computes the authors’ lengths: %s', (name) => {
    const { inputs, outputs } = goldenCase(`power_bert/${name}`)
    expect(lengthsOf(rowsOf(arrayOf(inputs, 'W')))).toEqual(arrayOf(outputs, 'retention').data)
  })

  test('keep as many tokens of all examples together as their weights add up to, within one per example', () => {
    const weight = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100)
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 9 }),
        (weights, tokens) => {
          const lengths = tokens.map((count) => Math.min(count, weights.length))
          const [length = 0] = lengthsOf([weights], lengths)
          const sumOf = (some: readonly number[]) => some.reduce((a, b) => a + b, 0)
          const expected = sumOf(lengths.map((count) => sumOf(weights.slice(0, count))))
          const keptBy = (most: number) => sumOf(lengths.map((count) => Math.min(count, most)))
          if (length > 1) expect(keptBy(length)).toBeLessThanOrEqual(expected + 1e-4)
          if (length < Math.max(...lengths)) expect(keptBy(length + 1)).toBeGreaterThan(expected - 1e-4)
        },
      ),
    )
  })
})

function lengthsOf(weights: readonly (readonly number[])[], lengths?: readonly number[]): number[] {
  const learned = weights.map((data, layer): [number, Learned] => [
    layer,
    { retention: { dtype: 'float32', dims: [data.length], data: Float32Array.from(data) } },
  ])
  const schedule = powerBert().training?.harden?.(new Map(learned), { layerCount: 6, lengths })
  return weights.map((_, layer) => schedule?.get(layer)?.value ?? 0)
}

test('changes nothing with all weights 1, and never changes protected tokens and padding', async () => {
  const { inputs } = goldenCase('power_bert/soft-extract-grad')
  const attention = tensorOf(arrayOf(inputs, 'atten'))
  const hidden = tensorOf(arrayOf(inputs, 'x'))
  const attended = [
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
  ]
  const states = async (weights: readonly number[]): Promise<number[][]> => {
    const site = { hidden, attention, attended, protectedTokens: [0], params: { retention: constant(weights) } }
    const { y } = await run({ y: softenOnce(powerBert(), site).softened.hidden as Tensor }, {})
    return rowsOf({ dtype: 'float32', shape: [20, 8], data: Array.from(y?.data as Float32Array) })
  }
  const before = rowsOf({ ...arrayOf(inputs, 'x'), shape: [20, 8] }).map((row) => row.map(Math.fround))
  const padded = attended.flat()
  const same = await states(Array.from({ length: 10 }, () => 1))
  expect(same.filter((_, i) => padded[i] === 1)).toEqual(before.filter((_, i) => padded[i] === 1))
  // In each row only the class token and the best two of the others do not change.
  const few = await states([0.5, 1, 1, 0, 0, 0, 0, 0, 0, 0])
  const rows = [few.slice(0, 10), few.slice(10)]
  rows.forEach((row, b) => {
    expect(row[0]).toEqual(before[10 * b])
    expect(row.filter((state) => state.some((x) => x !== 0))).toHaveLength(3)
  })
})

testLearning(powerBert(), { targetFlops: 0.6, tags: ['exhaustive'] })

import { add, cast, constant, div, evaluate, mean, mul, softmax, type Tensor, unsqueeze } from '@tp/core'
import { arrayOf, expectClose, type GoldenArray, ofGradients, tensorOf, testMethod } from '@tp/core/testing'
import fc from 'fast-check'
import { run, testLearning } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { changed, expectGradients, seeing, softCase } from '../test/soft-encoder.ts'
import { softenOnce } from '../test/soft-site.ts'
import { ltp } from './index.ts'

testMethod(ltp(), { run })

describe('the authors’ soft encoder', () => {
  test.each(['encoder-soft-grad', 'encoder-soft-grad-cold'])(
    'gives the same states, soft masks, loss and gradients: %s',
    async (name) => {
      const golden = goldenCase(`ltp/${name}`)
      const { temperature, lambda, layers } = golden.params as { temperature: number; lambda: number; layers: number }
      const thresholds = new Map<number, GoldenArray>()
      for (const [key, array] of Object.entries(golden.outputs)) {
        const [, layer] = /^threshold_(\d)$/.exec(key) ?? []
        if (layer !== undefined) thresholds.set(Number(layer), array)
      }
      const padded = arrayOf(golden.inputs, 'valid').shape[1] as number
      // Theirs divides by the padded length, and gives padding a mask like any token that receives nothing, and no context.
      const method = seeing(ltp({ temperature }), (soften, site) => {
        const { received, count, attended } = site
        const theirs = {
          received: mul(received, div(unsqueeze(count, 1), padded)),
          count: add(mul(count, 0), padded),
          obey: (kept: Tensor) => kept,
        }
        const isQuery = unsqueeze(cast(attended, 'float32'), [1, 3])
        return {
          ...(thresholds.has(site.layer) ? soften(changed(site, theirs)) : { kept: site.kept }),
          attend: (scores) => mul(softmax(scores), isQuery),
        }
      })
      const learned = new Map([0, 1, 2].slice(0, layers).map((layer) => [layer, valuesOf(thresholds.get(layer))]))
      const { soft, states, answer, run } = softCase(golden, method, learned)
      const regulariser = (soft.losses.regulariser ?? []).map((loss) => mean(loss, [0])).reduce((a, b) => add(a, b))
      const loss = add(answer, mul(regulariser, lambda))
      const results = await run({ states, regulariser, loss }, loss)
      expectClose(results.states ?? [], arrayOf(golden.outputs, `hidden_${layers}`).data, 'states')
      expectClose(results.regulariser ?? [], arrayOf(golden.outputs, 'regulariser').data, 'regulariser')
      expectClose(results.loss ?? [], arrayOf(golden.outputs, 'loss').data, 'loss')
      const names = Object.fromEntries(
        [...thresholds.keys()].map((layer) => [`${layer}.threshold`, `threshold_${layer}`]),
      )
      expectGradients(results, golden, names, temperature <= 0.01 ? { absolute: 1e-3, relative: 1e-3 } : ofGradients)
    },
  )
})

test('keeps by the threshold what is more than half kept in training', () => {
  const attention = tensorOf(arrayOf(goldenCase('power_bert/soft-extract-grad').inputs, 'atten'))
  const hidden = constant(new Float32Array(20), 'float32', [2, 10, 1])
  const received = evaluate([mean(mean(attention, 2), 1)], {})[0]?.data as Float32Array
  fc.assert(
    fc.property(fc.double({ min: 0.05, max: 0.15, noNaN: true }), (value) => {
      const params = { threshold: constant([value], 'float32', []) }
      const { kept } = softenOnce(ltp(), { hidden, attention, params, protectedTokens: [0] })
      const numbers = Array.from(evaluate([kept], {})[0]?.data as Float32Array)
      expect(numbers.map((x) => x >= 0.5)).toEqual(
        Array.from(received, (x, i) => i % 10 === 0 || x >= Math.fround(value)),
      )
    }),
  )
})

// The command line's tests of every day train it, too.
testLearning(ltp(), { tags: ['exhaustive'] })

function valuesOf(threshold: GoldenArray | undefined): Readonly<Record<string, GoldenArray>> {
  return threshold === undefined ? {} : { threshold }
}

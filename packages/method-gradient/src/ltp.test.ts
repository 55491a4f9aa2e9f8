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
    '%s: states, soft masks, loss, all gradients',
    async (name) => {
      const golden = goldenCase(`ltp/${name}`)
      const { temperature, lambda, layers } = golden.params as { temperature: number; lambda: number; layers: number }
      const thresholds = new Map<number, GoldenArray>()
      for (const [key, array] of Object.entries(golden.outputs)) {
        const [, block] = /^threshold_(\d)$/.exec(key) ?? []
        if (block !== undefined) thresholds.set(Number(block), array)
      }
      const padded = arrayOf(golden.inputs, 'valid').shape[1] as number
      // Theirs divides by the padded length, and gives padding a mask like any token that receives nothing, and no context.
      const method = seeing(ltp({ temperature }), (soften, site) => {
        const { received, count, alive } = site
        const theirs = {
          received: mul(received, div(unsqueeze(count, 1), padded)),
          count: add(mul(count, 0), padded),
          obey: (left: Tensor) => left,
        }
        const isQuery = unsqueeze(cast(alive, 'float32'), [1, 3])
        return {
          ...(thresholds.has(site.block) ? soften(changed(site, theirs)) : { left: site.left }),
          attend: (scores) => mul(softmax(scores), isQuery),
        }
      })
      const learned = new Map([0, 1, 2].slice(0, layers).map((block) => [block, valuesOf(thresholds.get(block))]))
      const { soft, states, answer, run } = softCase(golden, method, learned)
      const regulariser = (soft.losses.regulariser ?? []).map((loss) => mean(loss, [0])).reduce((a, b) => add(a, b))
      const loss = add(answer, mul(regulariser, lambda))
      const results = await run({ states, regulariser, loss }, loss)
      expectClose(results.states ?? [], arrayOf(golden.outputs, `hidden_${layers}`).data, 'states')
      expectClose(results.regulariser ?? [], arrayOf(golden.outputs, 'regulariser').data, 'regulariser')
      expectClose(results.loss ?? [], arrayOf(golden.outputs, 'loss').data, 'loss')
      const names = Object.fromEntries(
        [...thresholds.keys()].map((block) => [`${block}.threshold`, `threshold_${block}`]),
      )
      expectGradients(results, golden, names, temperature <= 0.01 ? { absolute: 1e-3, relative: 1e-3 } : ofGradients)
    },
  )
})

test('what is more than half left is what the threshold keeps', () => {
  const attention = tensorOf(arrayOf(goldenCase('power_bert/soft-extract-grad').inputs, 'atten'))
  const hidden = constant(new Float32Array(20), 'float32', [2, 10, 1])
  const received = evaluate([mean(mean(attention, 2), 1)], {})[0]?.data as Float32Array
  fc.assert(
    fc.property(fc.double({ min: 0.05, max: 0.15, noNaN: true }), (value) => {
      const params = { threshold: constant([value], 'float32', []) }
      const { left } = softenOnce(ltp(), { hidden, attention, params, fixed: [0] })
      const numbers = Array.from(evaluate([left], {})[0]?.data as Float32Array)
      expect(numbers.map((x) => x >= 0.5)).toEqual(
        Array.from(received, (x, i) => i % 10 === 0 || x >= Math.fround(value)),
      )
    }),
  )
})

testLearning(ltp())

function valuesOf(threshold: GoldenArray | undefined): Readonly<Record<string, GoldenArray>> {
  return threshold === undefined ? {} : { threshold }
}

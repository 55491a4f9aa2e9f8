import {
  add,
  cast,
  constant,
  div,
  evaluate,
  type Method,
  mean,
  mul,
  type Softened,
  type SoftSite,
  softmax,
  sum,
  type Tensor,
  type Training,
  unsqueeze,
} from '@tp/core'
import { arrayOf, expectClose, ofGradients, tensorOf, testMethod } from '@tp/core/testing'
import fc from 'fast-check'
import { run, testLearning } from 'method-tests'
import { expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { bertModel, computed, Feeds, softened } from '../test/golden-model.ts'
import { softenOnce } from '../test/soft-site.ts'
import { ltp } from './index.ts'

testMethod(ltp(), { run })

/** Sites as the authors' code sees them: theirs divides by the padded length, and gives padding a mask like any token that receives nothing. */
function asTheirs(method: Method, padded: number): Method {
  const training = method.training as Training
  const soften = (site: SoftSite): Softened => {
    const theirs: Partial<SoftSite> = {
      received: mul(site.received, div(unsqueeze(site.count, 1), padded)),
      ...{ count: add(mul(site.count, 0), padded), obey: (kept: Tensor) => kept },
    }
    const seen = Object.create(site, Object.getOwnPropertyDescriptors(theirs)) as SoftSite
    const isQuery = unsqueeze(cast(site.attended, 'float32'), [1, 3])
    const softened = 'threshold' in site.param ? training.soften(seen) : { kept: site.kept }
    return { ...softened, attend: (scores) => mul(softmax(scores), isQuery) }
  }
  return { ...method, training: { ...training, soften } }
}

test.each(['encoder-soft-grad', 'encoder-soft-grad-cold'])(
  'the authors’ soft encoder gives the same states, soft masks, loss and gradients: %s',
  (name) => {
    const golden = goldenCase(`ltp/${name}`)
    const { inputs, outputs } = golden
    const { temperature, lambda, layers } = golden.params as { temperature: number; lambda: number; layers: number }
    const feeds = new Feeds()
    feeds.set('hidden', arrayOf(inputs, 'hidden'))
    feeds.set('mask', arrayOf(inputs, 'valid'))
    const learned = Object.entries(outputs).filter(([key]) => /^threshold_\d$/.test(key))
    const thresholds = Object.fromEntries(learned.map(([key, array]) => [key, feeds.input(key, array)]))
    const weights = Object.entries(inputs).filter(([key]) => /^l\d.*_(weight|bias)$/.test(key))
    const method = asTheirs(ltp({ temperature }), arrayOf(inputs, 'valid').shape[1] as number)
    const soft = softened(bertModel(golden), method, {
      layers: [0, 1, 2].slice(0, layers),
      params: (layer) => {
        const threshold = thresholds[`threshold_${layer}`]
        return threshold === undefined ? {} : { threshold }
      },
      ...{ feeds, weights: weights.map(([, array]) => array) },
    })
    const states = soft.value(`hidden_${layers}`)
    const slope = feeds.input('grad_y', arrayOf(inputs, 'grad_y'), states.dims)
    const regulariser = (soft.losses.regulariser ?? []).map((loss) => mean(loss, [0])).reduce((a, b) => add(a, b))
    const loss = add(sum(mul(states, slope), [0, 1, 2]), mul(regulariser, lambda))
    const own = Object.fromEntries(weights.map(([key, array]) => [key, soft.learning(array)]))
    const learning = { hidden: soft.learning('hidden'), ...own, ...thresholds }
    const seen = computed({ states, regulariser, loss }, loss, learning, feeds)
    expectClose(seen.states ?? [], arrayOf(outputs, `hidden_${layers}`).data, 'states')
    expectClose(seen.regulariser ?? [], arrayOf(outputs, 'regulariser').data, 'regulariser')
    expectClose(seen.loss ?? [], arrayOf(outputs, 'loss').data, 'loss')
    const tolerance = temperature <= 0.01 ? { absolute: 1e-3, relative: 1e-3 } : ofGradients
    for (const [key, { data }] of Object.entries(outputs))
      if (key.startsWith('grad_')) expectClose(seen[key.slice(5)] ?? [], data, key, tolerance)
  },
)

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

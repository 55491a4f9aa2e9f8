import { prune, transform } from '@tp/compiler'
import { add, type Learned, matmul, mean, mul, type Schedule, sum, type Tensor, type Values } from '@tp/core'
import { arrayOf, expectClose, type GoldenCase, rowsOf, tensorOf, testMethod } from '@tp/core/testing'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { crossEntropy } from '@tp/train'
import fc from 'fast-check'
import { run, testLearning } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { bertModel, computed, expectSlope, Feeds, softened } from '../test/golden-model.ts'
import { farthest } from '../test/numbers.ts'
import { denseOutput, feedsOf, prunedOutput, softOutput, startingValues } from '../test/soft-and-pruned.ts'
import { adapler } from './index.ts'

testMethod(adapler(), { run })

const names = {
  weight1: (layer: number) => `exp_head_pre_${layer + 1}_kernel`,
  bias1: (layer: number) => `exp_head_pre_${layer + 1}_bias`,
  weight2: (layer: number) => `exp_head_${layer + 1}_kernel`,
  bias2: (layer: number) => `exp_head_${layer + 1}_bias`,
} as const

const layersOf = ({ params }: GoldenCase): number[] => Array.from({ length: params.layers as number }, (_, i) => i)

const scalar = (value: number) => ({ dtype: 'float32', shape: [], data: [value] }) as const

for (const name of ['soft-grad', 'soft-grad-sharp', 'soft-initial-eta']) {
  test(`agrees with the authors’ numbers: ${name}`, () => {
    const golden = goldenCase(`adapler/${name}`)
    const { inputs, outputs } = golden
    const { lambda, phi, gamma, eta, theta } = golden.params as Record<string, number> & {
      eta: number[]
      theta: number[]
    }
    const layers = layersOf(golden)
    const feeds = new Feeds()
    const params: Record<string, Tensor> = {}
    for (const layer of layers) {
      for (const [own, theirs] of Object.entries(names)) {
        params[`${own}.${layer}`] = feeds.input(`${own}.${layer}`, arrayOf(inputs, theirs(layer)))
      }
      params[`eta.${layer}`] = feeds.input(`eta.${layer}`, scalar(eta[layer] as number))
      if (layer > 0) params[`theta.${layer}`] = feeds.input(`theta.${layer}`, scalar(theta[layer - 1] as number))
    }
    feeds.set('hidden', arrayOf(inputs, 'hidden'))
    feeds.set('mask', arrayOf(inputs, 'valid'))
    feeds.set('tp.saliency', arrayOf(inputs, 'saliency'))
    const query = arrayOf(inputs, 'l0_query_kernel')
    const soft = softened(bertModel(golden, { kernels: true }), adapler({ steepness: lambda as number }), {
      layers,
      params: (layer) =>
        Object.fromEntries(
          [...Object.keys(names), 'eta', 'theta'].flatMap((own) => {
            const value = params[`${own}.${layer}`]
            return value === undefined ? [] : [[own, value]]
          }),
        ),
      feeds,
      weights: [query],
    })
    const states = layers.map((layer) => soft.value(`hidden_${layer + 1}`))
    const labels = feeds.input('labels', { ...arrayOf(inputs, 'labels'), dtype: 'int64' }, ['batch'])
    const logits = matmul(soft.value('class'), feeds.input('classifier', arrayOf(inputs, 'classifier')))
    const task = mean(crossEntropy(logits, labels), [0])
    // ours are shares of the tokens of a row, theirs are tokens
    const tokens = sum(soft.attended, 1)
    const lengths = layers.map((_, i) => mul(soft.losses.regulariser?.[i] as Tensor, tokens))
    const length = mean(
      lengths.reduce((a, b) => add(a, b)),
      [0],
    )
    const divergences = layers.map((_, i) => mean(soft.losses.contributions?.[i] as Tensor, [0]))
    const head = divergences.reduce((a, b) => add(a, b))
    const values = {
      task,
      length,
      head,
      ...Object.fromEntries(lengths.map((tensor, i) => [`length_${i}`, tensor])),
      ...Object.fromEntries(divergences.map((tensor, i) => [`kl_${i}`, tensor])),
      ...Object.fromEntries(states.map((tensor, i) => [`hidden_${i + 1}`, tensor])),
      ...Object.fromEntries(layers.map((layer) => [`left_${layer}`, soft.kept.get(layer) as Tensor])),
    }
    const part = (array: string, i: number) => scalar(arrayOf(outputs, array).data[i] as number)
    // theirs trains these by task and lengths, the rest by task and saliency
    const ofThresholds = (own: string): boolean => own.startsWith('eta') || own.startsWith('theta')
    const pick = (isPicked: (own: string) => boolean): Record<string, Tensor> =>
      Object.fromEntries(Object.entries(params).filter(([own]) => isPicked(own)))
    const seen = computed(values, add(task, mul(length, phi as number)), pick(ofThresholds), feeds)
    expectClose(seen.task as number[], arrayOf(outputs, 'class_loss').data, 'class loss')
    expectClose(seen.length as number[], arrayOf(outputs, 'length_loss').data, 'length loss')
    expectClose(seen.head as number[], arrayOf(outputs, 'head_loss').data, 'head loss')
    const recorded = arrayOf(outputs, 'kl_per_layer').data
    for (const layer of layers) {
      const weight = layers.length - layer
      expectClose(seen[`kl_${layer}`] as number[], [weight * (recorded[layer] as number)], `divergence ${layer}`)
      const after = outputs[`hidden_${layer + 1}`] ?? arrayOf(outputs, 'last_hidden')
      expectClose(seen[`hidden_${layer + 1}`] as number[], after.data, `hidden ${layer + 1}`)
      const before = outputs[`mask_before_${layer + 1}`]
      // theirs omits the class token from the mask
      const left = rowsOf({ ...arrayOf(inputs, 'valid'), data: seen[`left_${layer}`] as number[] })
      if (before)
        expectClose(
          left.flatMap((row) => [0, ...row.slice(1)]),
          before.data,
          `mask ${layer + 1}`,
        )
      expectClose(
        seen[`length_${layer}`] as number[],
        rowsOf(arrayOf(outputs, 'lengths'))[layer] as number[],
        'lengths',
      )
    }
    for (const layer of layers) {
      expectSlope(seen[`eta.${layer}`], part('grad_combined_eta', layer), `eta ${layer}`)
      if (layer > 0) expectSlope(seen[`theta.${layer}`], part('grad_combined_theta', layer - 1), `theta ${layer}`)
    }
    const rest = { ...pick((own) => !ofThresholds(own)), hidden: soft.learning('hidden'), query: soft.learning(query) }
    const slopes = computed({}, add(task, mul(head, gamma as number)), rest, feeds)
    for (const layer of layers) {
      for (const [own, theirs] of Object.entries(names)) {
        expectSlope(slopes[`${own}.${layer}`], arrayOf(outputs, `grad_total_${theirs(layer)}`), `${own} ${layer}`)
      }
    }
    expectSlope(slopes.query, arrayOf(outputs, 'grad_total_l0_query_kernel'), 'query')
    expectSlope(slopes.hidden, arrayOf(outputs, 'grad_total_hidden'), 'hidden')
  })
}

for (const name of ['hard-infer', 'hard-infer-aggressive', 'hard-infer-keep-all']) {
  test(`agrees with the authors’ numbers: ${name}`, async () => {
    const golden = goldenCase(`adapler/${name}`)
    const { inputs, outputs } = golden
    const { eta, theta } = golden.params as { eta: number[]; theta: number[] }
    const layers = layersOf(golden)
    const schedule: Schedule = new Map(
      layers.map((layer) => [layer, { kind: 'threshold', value: eta[layer] as number } as const]),
    )
    const params = (layer: number): Values => {
      const own = Object.entries(names).map(
        ([value, theirs]) => [value, tensorOf(arrayOf(inputs, theirs(layer)))] as const,
      )
      const learned = { ...Object.fromEntries(own), eta: tensorOf(scalar(eta[layer] as number)) }
      return { ...learned, ...(layer > 0 && { theta: tensorOf(scalar(theta[layer - 1] as number)) }) }
    }
    const options = { method: adapler(), schedule, params, trace: true }
    const pruned = transform(bertModel(golden, { kernels: true }), prune(options))
    await using session = await nodeRuntime().load(encodeModel(pruned.model), { threads: 1 })
    const { shape, data } = arrayOf(inputs, 'hidden')
    const [, tokens = 0, width = 0] = shape
    const results = await session.run({
      hidden: { type: 'float32', dims: shape, data: Float32Array.from(data) },
      mask: { type: 'int64', dims: [1, tokens], data: new BigInt64Array(tokens).fill(1n) },
    })
    for (const layer of layers) {
      const kept = arrayOf(outputs, `kept_ids_${layer}`).data
      const trace = (what: string): number[] =>
        Array.from(results[`tp.trace.${layer}.${what}`]?.data as ArrayLike<bigint | number>, Number)
      const valid = trace('valid')
      expect(
        trace('indices').filter((_, slot) => valid[slot] === 1),
        `kept ${layer}`,
      ).toEqual(kept)
    }
    const last = arrayOf(outputs, `kept_ids_${layers.length - 1}`).data
    const states = results[`hidden_${layers.length}`]?.data as Float32Array
    const seen = last.flatMap((token) => Array.from(states.slice(token * width, (token + 1) * width)))
    expectClose(seen, arrayOf(outputs, 'last_hidden').data, 'last hidden')
  })
}

describe('adapler in training', () => {
  const golden = goldenCase('transkimmer/train-grad-pad')
  const compared = (seed: number, eta: number, steepness?: number) => {
    const method = adapler({ steepness })
    const learned = startingValues(method, [0, 1], seed, { D: 12 })
    for (const values of learned.values()) (values.eta as Learned[string]).data[0] = eta
    return { model: bertModel(golden), method, learned, feeds: feedsOf(golden), output: 'class' }
  }

  test('answers more like the pruned model the steeper the mask is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { method, learned } = compared(seed, 0.9)
        const schedule = method.training?.harden?.(learned, { layerCount: 2 }) ?? new Map()
        const pruned = await prunedOutput(compared(seed, 0.9), schedule)
        const { values } = await softOutput(compared(seed, 0.9, 1e6))
        expect(farthest(values, pruned)).toBeLessThan(1e-3)
      }),
      { numRuns: 5 },
    )
  })

  test('keeps all tokens far above the threshold, like the dense model', async () => {
    const all = compared(1, 0.01, 1000)
    const dense = await denseOutput(all)
    const { values } = await softOutput(all)
    expect(farthest(values, dense)).toBeLessThan(1e-3)
  })
})

testLearning(adapler(), { targetFlops: 0.6, tags: ['exhaustive'] })

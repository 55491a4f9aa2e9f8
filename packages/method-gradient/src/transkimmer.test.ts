import { add, mul, type Scorer, sub, sum, type Tensor, unsqueeze } from '@tp/core'
import type { ConstantData } from '@tp/core/expression'
import { arrayOf, expectClose, type GoldenArray, type GoldenCase, rowsOf, testMethod } from '@tp/core/testing'
import fc from 'fast-check'
import { run, testLearning } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { attendToPadding } from '../test/attend-to-padding.ts'
import { goldenCase } from '../test/golden.ts'
import { bertModel, computed, expectSlope, Feeds, type GoldenSoftCase, softened } from '../test/golden-model.ts'
import { denseOutput, feedsOf, prunedOutput, softOutput, startingValues } from '../test/soft-and-pruned.ts'
import { transkimmer } from './index.ts'

testMethod(transkimmer(), { run })

/** The values of a layer by their names in the cases, which have two logits each, to skim and to keep. */
const names = {
  norm1: 'predictor_0_weight',
  norm1Bias: 'predictor_0_bias',
  weight1: 'predictor_1_weight',
  bias1: 'predictor_1_bias',
  norm2: 'predictor_2_weight',
  norm2Bias: 'predictor_2_bias',
  weight2: 'predictor_4_weight',
  bias2: 'predictor_4_bias',
} as const

interface Prepared {
  readonly soft: GoldenSoftCase
  readonly params: Readonly<Record<string, Tensor>>
  readonly feeds: Feeds
  readonly layers: readonly number[]
}

/** The published soft form in the encoder of a case; padding counts there. */
function prepared(golden: GoldenCase): Prepared {
  const layers = Array.from({ length: golden.params.layers as number }, (_, i) => i)
  const feeds = new Feeds()
  const params: Record<string, Tensor> = {}
  for (const layer of layers) {
    for (const [own, theirs] of Object.entries(names)) {
      params[`${layer}.${own}`] = feeds.input(
        `${layer}.${own}`,
        ours(arrayOf(golden.inputs, `skim${layer}_${theirs}`), own),
      )
    }
    feeds.set(`tp.noise.${layer}.0`, uniform(arrayOf(golden.inputs, `gumbel_noise_${layer}`)))
  }
  feeds.set('hidden', arrayOf(golden.inputs, 'hidden'))
  feeds.set('mask', arrayOf(golden.inputs, 'valid'))
  const soft = softened(bertModel(golden), attendToPadding(asPublished(transkimmer({ renormalize: false }))), {
    layers,
    params: (layer) => Object.fromEntries(Object.keys(names).map((own) => [own, params[`${layer}.${own}`] as Tensor])),
    feeds,
    weights: [arrayOf(golden.inputs, 'l0_value_weight')],
  })
  return { soft, params, feeds, layers }
}

/**
 * Gives the scores, too, as if they were terms of the loss. Skimmed tokens run on there, unseen, and get back the state that
 * they left with at the end, which comes to the same for what the others become and for the last states, not for slopes.
 */
function asPublished(method: Scorer): Scorer {
  const { training } = method
  if (training === undefined) return method
  return {
    ...method,
    training: {
      ...training,
      soften(site) {
        const { output: _, ...softened } = training.soften(site)
        return { ...softened, losses: { ...softened.losses, [`score_${site.layer}`]: method.score(site) } }
      },
    },
  }
}

/** Two logits to the one that is their difference; and [out,in] to [in,out]. */
function ours({ dtype, shape, data }: GoldenArray, name: string): GoldenArray {
  const [rows = 1, columns = 1] = shape
  if (name === 'bias2') return { dtype, shape: [1], data: [(data[1] as number) - (data[0] as number)] }
  if (name === 'weight2') {
    const difference = data.slice(columns).map((keep, i) => keep - (data[i] as number))
    return { dtype, shape: [columns, 1], data: difference }
  }
  if (name !== 'weight1') return { dtype, shape, data }
  return { dtype, shape, data: data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number) }
}

/** The gradients of the second logit are those of the difference. */
function ourSlope(array: GoldenArray, name: string): GoldenArray {
  const { dtype, shape, data } = array
  if (name === 'bias2') return { dtype, shape: [1], data: data.slice(1) }
  return name === 'weight2' ? { dtype, shape: [shape[1] as number, 1], data: data.slice(shape[1]) } : ours(array, name)
}

/** Gumbel noise of two logits of all tokens but the first, as the number whose logistic noise is their difference. */
function uniform({ shape: [batch = 0, others = 0], data }: GoldenArray): GoldenArray {
  const numbers = Array.from({ length: batch * (others + 1) }, (_, i) => {
    const token = i % (others + 1)
    const pair = 2 * (Math.floor(i / (others + 1)) * others + token - 1)
    return token === 0 ? 0.5 : 1 / (1 + Math.exp((data[pair] as number) - (data[pair + 1] as number)))
  })
  return { dtype: 'float32', shape: [batch, others + 1], data: numbers }
}

function valuesOf({ soft, layers }: Prepared): Record<string, Tensor> {
  const losses = Object.fromEntries(Object.entries(soft.losses).map(([name, [first]]) => [name, first as Tensor]))
  const states = layers.map((layer) => [`hidden_${layer + 1}`, soft.value(`hidden_${layer + 1}`)])
  return { ...losses, ...Object.fromEntries(states), skim_loss: skimLoss(soft), last_hidden: lastHidden(soft, layers) }
}

/** [b,n,D]: for each token its state after the last layer that it reached. */
function lastHidden(soft: GoldenSoftCase, layers: readonly number[]): Tensor {
  return layers.reduce((before, layer) => {
    const kept = unsqueeze(soft.losses[`left_${layer}`]?.[0] as Tensor, 2)
    return add(mul(soft.value(`hidden_${layer + 1}`), kept), mul(before, sub(1, kept)))
  }, soft.learning('hidden'))
}

/** float []: the terms of all layers, mean over the batch. */
function skimLoss({ losses }: GoldenSoftCase): Tensor {
  const terms = losses.regulariser ?? []
  const rows = terms.reduce((a, b) => add(a, b))
  return mul(sum(rows, [0]), 0.5)
}

function expectForward(golden: GoldenCase, layers: readonly number[], seen: Record<string, number[]>): void {
  for (const layer of layers) {
    const mask = arrayOf(golden.outputs, `skim_mask_${layer}`)
    expect(seen[`left_${layer}`]?.map(Math.round), `mask ${layer}`).toEqual(mask.data.map(Math.round))
    const logits = arrayOf(golden.outputs, `skim_logits_${layer}`).data
    const scores = rowsOf({ ...mask, data: seen[`score_${layer}`] as number[] }).flatMap((row) => row.slice(1))
    const expected = scores.map((_, i) => 1 / (1 + Math.exp((logits[2 * i] as number) - (logits[2 * i + 1] as number))))
    expectClose(scores, expected, `score ${layer}`)
    const states = arrayOf(golden.outputs, `hidden_${layer + 1}`)
    expectClose(seen[`hidden_${layer + 1}`] as number[], states.data, `hidden ${layer}`)
  }
  expectClose(seen.last_hidden as number[], arrayOf(golden.outputs, 'last_hidden').data, 'last hidden')
  expectClose(seen.skim_loss as number[], arrayOf(golden.outputs, 'skim_loss').data, 'skim loss')
}

for (const name of ['eval-official-init-bias', 'eval-skim-almost-all']) {
  test(`agrees with the authors’ numbers: ${name}`, () => {
    const golden = goldenCase(`transkimmer/${name}`)
    const all = prepared(golden)
    expectForward(golden, all.layers, computed(valuesOf(all), skimLoss(all.soft), {}, all.feeds))
  })
}

for (const name of ['train-grad', 'train-grad-pad']) {
  test(`agrees with the authors’ numbers: ${name}`, () => {
    const golden = goldenCase(`transkimmer/${name}`)
    const all = prepared(golden)
    const { soft, params, feeds, layers } = all
    const value = arrayOf(golden.inputs, 'l0_value_weight')
    const last = lastHidden(soft, layers)
    const slope = feeds.input('grad_y', arrayOf(golden.inputs, 'grad_y'), last.dims)
    const coefficient = golden.params.skim_coefficient as number
    const loss = add(sum(mul(last, slope), [0, 1, 2]), mul(skimLoss(soft), coefficient))
    const learning = { ...params, hidden: soft.learning('hidden'), value: soft.learning(value) }
    const seen = computed({ ...valuesOf(all), loss }, loss, learning, feeds)
    expectForward(golden, layers, seen)
    expectSlope(seen.hidden, arrayOf(golden.outputs, 'grad_hidden'), 'hidden')
    expectSlope(seen.value, arrayOf(golden.outputs, 'grad_l0_value_weight'), 'value')
    for (const layer of layers) {
      for (const [own, theirs] of Object.entries(names)) {
        const expected = ourSlope(arrayOf(golden.outputs, `grad_skim${layer}_${theirs}`), own)
        expectSlope(seen[`${layer}.${own}`], expected, `${layer}.${own}`)
      }
    }
  })
}

describe('transkimmer in training', () => {
  const golden = goldenCase('transkimmer/train-grad-pad')
  const method = transkimmer()
  const compared = (seed: number, bias: number) => {
    const learned = startingValues(method, [0, 1], seed, { D: 12 })
    for (const values of learned.values()) (values.bias2 as ConstantData).data[0] = bias
    return { model: bertModel(golden), method, learned, feeds: feedsOf(golden), output: 'class' }
  }
  const schedule = new Map([0, 1].map((layer) => [layer, { kind: 'threshold', value: 0.5 } as const]))

  test('answers like the pruned model, whatever is kept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const both = compared(seed, 0)
        expectClose((await softOutput(both)).values, await prunedOutput(both, schedule), 'class')
      }),
      { numRuns: 5 },
    )
  })

  test('answers like the dense model where all tokens are kept', async () => {
    const all = compared(1, 30)
    const { values, left } = await softOutput(all)
    expect(left.get(1)?.slice(0, 11)).toEqual(Array.from({ length: 11 }, () => 1))
    expectClose(values, await denseOutput(all), 'class')
  })
})

testLearning(transkimmer(), { targetFlops: 0.6, tags: ['exhaustive'] })

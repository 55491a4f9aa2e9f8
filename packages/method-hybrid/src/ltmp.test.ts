import { gradients } from '@tp/autodiff'
import {
  add,
  axisSize,
  cast,
  constant,
  div,
  evaluate,
  exp,
  greater,
  input,
  type Learned,
  type Method,
  maskedSoftmax,
  max,
  mean,
  mul,
  type SoftSite,
  sigmoid,
  straightThrough,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { arrayOf, expectClose, type GoldenArray, ofGradients, tensorOf } from '@tp/core/testing'
import { thorough } from 'exported-encoders'
import fc from 'fast-check'
import { testLearning } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { expectKept, type KeptExample, reduceOnce } from '../test/one-site.ts'
import { scalar, softAndHard } from '../test/soft-and-hard.ts'
import { softVit } from '../test/soft-vit.ts'
import { vitLayer } from '../test/vit-layer.ts'
import { ltmp } from './index.ts'
import { softLtmp } from './ltmp.ts'

test.each(['infer', 'infer-keep-all', 'infer-merge-only'])("agrees with the authors' layers: %s", (name) => {
  const golden = goldenCase(`ltmp/${name}`)
  const { merge_thresholds: merges, prune_thresholds: prunes } = golden.params as Record<string, number[]>
  let before: KeptExample | undefined
  merges?.forEach((merge, layer) => {
    const dims = [1, before?.hidden.length ?? 0]
    const { site, feedForward } = vitLayer(golden, {
      prefix: `block${layer}_`,
      ...(before && {
        x: constant(before.hidden.flat(), 'float32', [...dims, before.hidden[0]?.length ?? 0]),
        size: constant(before.size, 'float32', dims),
      }),
      proportional: true,
    })
    const threshold = prunes?.[layer] as number
    const left = reduceOnce(ltmp({ merge }), site, { kind: 'threshold', value: threshold }, feedForward)
    expectKept(left, arrayOf(golden.outputs, `x_${layer}`), arrayOf(golden.outputs, `size_${layer}`), { inOrder: true })
    before = left[0]
  })
})

interface Trained {
  readonly merge_thresholds: readonly number[]
  readonly prune_thresholds: readonly number[]
  readonly tau: number
  readonly target: number
  readonly lambda: number
}

describe('the authors’ training', () => {
  test.each(['train-grad', 'train-grad-prune-heavy'])(
    'gives the same states, sizes, masks, cost and gradients: %s',
    async (name) => {
      const golden = goldenCase(`ltmp/${name}`)
      const { merge_thresholds, prune_thresholds, tau, target, lambda } = golden.params as unknown as Trained
      // There, pruned tokens keep their positions, and their rows count for importances.
      const { training, ...others } = ltmp()
      const soften = (site: SoftSite) => softLtmp(site, tau, { counted: site.attended, attend: softmaxOfTheirs })
      const method: Method = { ...others, training: { ...training, soften } }
      const learned = merge_thresholds.map((merge, layer): [number, Record<string, number>] => [
        layer,
        { merge, prune: prune_thresholds[layer] as number },
      ])
      const { soft, states, run } = softVit(golden, method, new Map(learned))
      const [batch, tokens, width] = arrayOf(golden.inputs, 'x').shape as [number, number, number]
      // The even tokens come first there, then the odd ones, after every layer.
      const order = [...Array(tokens).keys()].sort((a, b) => (a % 2) - (b % 2) || a - b)
      const twice = order.map((row) => order[row] as number)
      const inOurOrder = ({ dtype, shape, data }: GoldenArray, from: readonly number[]): GoldenArray => {
        const each = data.length / (batch * tokens)
        const turned = new Array<number>(data.length)
        data.forEach((number, i) => {
          const [b, row, c] = [Math.floor(i / (tokens * each)), Math.floor(i / each) % tokens, i % each]
          turned[(b * tokens + (from[row] as number)) * each + c] = number
        })
        return { dtype, shape, data: turned }
      }
      const cost = costOf([soft.kept.get(0) as Tensor, soft.kept.get(1) as Tensor], tokens, width)
      const gap = sub(cost, target)
      const { shape, data: slopes } = inOurOrder(arrayOf(golden.inputs, 'grad_y'), twice)
      const feeds = { grad_y: { type: 'float32', dims: [...shape], data: Float32Array.from(slopes) } } as const
      const upstream = input('grad_y', 'float32', states.dims)
      const answer = mul(sum(mul(states, upstream), [0, 1, 2]), 0.1)
      const loss = add(answer, mul(mul(gap, gap), lambda))
      const outputs = { states, cost, loss, mask_0: soft.kept.get(0) as Tensor, mask_1: soft.kept.get(1) as Tensor }
      const results = await run(outputs, loss, feeds)
      const expected = (key: string, from: readonly number[]) => inOurOrder(arrayOf(golden.outputs, key), from).data
      expect(results.mask_0?.map(Math.round)).toEqual(expected('mask_0', order).map(Math.round))
      expect(results.mask_1?.map(Math.round)).toEqual(expected('mask_1', twice).map(Math.round))
      // There, every key gets a little in the first layer, too, where nothing is pruned yet.
      const nearly = { absolute: 4e-5, relative: 1e-4 }
      expectClose(results.states ?? [], expected('x_1', twice), 'states', nearly)
      expectClose(results.cost ?? [], arrayOf(golden.outputs, 'flops_ratio').data, 'cost')
      expectClose(results.loss ?? [], arrayOf(golden.outputs, 'loss').data, 'loss')
      for (const layer of [0, 1]) {
        for (const kind of ['merge', 'prune']) {
          const { data } = arrayOf(golden.outputs, `grad_${kind}_threshold_${layer}`)
          expectClose(results[`grad_${layer}.${kind}`] ?? [], data, `${kind} threshold ${layer}`, ofGradients)
        }
      }
    },
  )
})

describe('the authors’ attention to kept tokens', () => {
  const attentionOf = (name: string, attend: (scores: Tensor, kept: Tensor) => Tensor) => {
    const { inputs } = goldenCase(`ltmp/${name}`)
    const [scores, kept] = [tensorOf(arrayOf(inputs, 'logits')), tensorOf(arrayOf(inputs, 'mask'))]
    return Array.from(evaluate([attend(scores, kept)], {})[0]?.data as Float32Array)
  }
  const recorded = (name: string) => arrayOf(goldenCase(`ltmp/${name}`).outputs, 'probs').data

  test('attends as the authors’ code does: masked-softmax-eval', () => {
    expectClose(attentionOf('masked-softmax-eval', maskedSoftmax), recorded('masked-softmax-eval'), 'probabilities')
  })

  test('attends as the authors’ code does, with a little for every key: masked-softmax-train', () => {
    expectClose(attentionOf('masked-softmax-train', softmaxOfTheirs), recorded('masked-softmax-train'), 'probabilities')
    const own = attentionOf('masked-softmax-train', maskedSoftmax)
    recorded('masked-softmax-train').forEach((expected, i) => {
      expect(Math.abs((own[i] as number) - expected)).toBeLessThan(2e-4)
    })
  })
})

test('uses a hard mask with the gradient of a soft one: masker', () => {
  const { inputs, outputs, params } = goldenCase('ltmp/masker')
  const values = tensorOf(arrayOf(inputs, 'values'))
  const threshold = constant([params.threshold as number])
  const soft = sigmoid(mul(sub(values, threshold), 1 / (params.tau as number)))
  const mask = straightThrough(greater(soft, 0.5), soft)
  const loss = sum(mul(mask, tensorOf(arrayOf(inputs, 'grad_mask'))), [0, 1])
  const results = evaluate([mask, soft, ...gradients(loss, [threshold, values])], {})
  const [seenMask, seenSoft, ofThreshold, ofValues] = results.map(({ data }) => Array.from(data as Float32Array))
  expect(seenMask?.map(Math.round)).toEqual(arrayOf(outputs, 'mask').data.map(Math.round))
  expectClose(seenSoft ?? [], arrayOf(outputs, 'soft').data, 'soft mask')
  expectClose(ofThreshold ?? [], arrayOf(outputs, 'grad_threshold').data, 'threshold', ofGradients)
  expectClose(ofValues ?? [], arrayOf(outputs, 'grad_values').data, 'values', ofGradients)
})

test('answers like the pruned model during training, at any thresholds', { tags: 'exhaustive' }, async () => {
  const threshold = fc.record({
    merge: fc.integer({ min: 50, max: 100 }).map((percent) => percent / 100 + 1e-3),
    prune: fc.integer({ min: 0, max: 20 }).map((parts) => parts / 1000 + 1e-5),
  })
  await fc.assert(
    fc.asyncProperty(fc.tuple(threshold, threshold, threshold), async (thresholds) => {
      const learned = thresholds.map(({ merge, prune }, i): [number, Learned] => [
        i + 1,
        { merge: scalar(merge), prune: scalar(prune) },
      ])
      const { soft, hard } = await softAndHard(ltmp(), new Map(learned))
      soft.forEach((logit, i) => {
        expect(Math.abs(logit - (hard[i] as number))).toBeLessThan(1e-3)
      })
    }),
    { numRuns: thorough(2, 4), endOnFailure: true },
  )
})

testLearning(ltmp(), { targetFlops: 0.6, tags: ['exhaustive'] })

/** (e·m + ε/N) / (Σ e·m + ε), e relative to the largest score of all keys. */
function softmaxOfTheirs(scores: Tensor, kept: Tensor): Tensor {
  const epsilon = 1e-5
  const weights = mul(exp(sub(scores, max(scores, 3, { keepDims: true }))), unsqueeze(kept, [1, 2]))
  const count = cast(axisSize(scores, 3), 'float32')
  return div(add(weights, div(epsilon, count)), add(sum(weights, 3, { keepDims: true }), epsilon))
}

/** The cost there: by the mean mask before (1 before the first layer) and after each layer. */
function costOf(masks: readonly Tensor[], tokens: number, width: number): Tensor {
  const shares = masks.map((mask) => mean(mask, [0, 1]))
  const terms = shares.map((after, i) => {
    const before = shares[i - 1] ?? constant([1], 'float32', [])
    const attention = add(mul(before, 2 * tokens * width ** 2), mul(mul(before, before), tokens ** 2 * width))
    return mul(add(attention, mul(after, 4 * tokens * width ** 2)), 1 / (6 * tokens * width ** 2 + tokens ** 2 * width))
  })
  return mul(
    terms.reduce((a, b) => add(a, b)),
    1 / terms.length,
  )
}

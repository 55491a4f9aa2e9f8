import { constant, type Tensor } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { testMethod } from '@tp/core/testing'
import { nodeRuntime } from '@tp/runtime-node'
import { saliencyOf } from '@tp/train'
import fc from 'fast-check'
import { learn, mailLesson, run, testLearning } from 'method-tests'
import { describe, expect, test } from 'vitest'
import { softenOnce } from '../test/soft-site.ts'
import { sdtp } from './index.ts'

testMethod(sdtp(), { run })

testLearning(sdtp(), { schedule: new Map([[1, { kind: 'ratio', value: 0.5 }]]) })

const TOKENS = 8
const FIXED = 0
/** W₁, b₁, W₂ and b₂ that make π the first number of a state, where it is far above 0. */
const params = {
  weight1: constant([1, ...Array.from({ length: 63 }, () => 0)], 'float32', [2, 32]),
  bias1: constant(
    Array.from({ length: 32 }, () => 0),
    'float32',
    [32],
  ),
  weight2: constant([1, ...Array.from({ length: 31 }, () => 0)], 'float32', [32, 1]),
  bias2: constant([-20], 'float32', [1]),
}

/** The loss of one row of tokens whose networks say what `own` says. */
async function lossOf(
  own: readonly number[],
  saliency: readonly number[],
  attended: readonly number[],
): Promise<number> {
  const site = {
    hidden: constant(
      own.flatMap((number) => [number + 20, 1]),
      'float32',
      [1, TOKENS, 2],
    ),
    attention: constant(
      Array.from({ length: TOKENS * TOKENS }, () => 1 / TOKENS),
      'float32',
      [1, 1, TOKENS, TOKENS],
    ),
    attended: [attended],
    protectedTokens: [FIXED],
    params,
    saliency: constant(saliency, 'float32', [1, TOKENS]),
  }
  const { softened } = softenOnce(sdtp(), site)
  const { loss } = await run({ loss: softened.losses?.saliency as Tensor }, {})
  return ((loss as TensorLike).data as Float32Array)[0] as number
}

const numbers = (min: number, max: number) =>
  fc.array(fc.double({ min, max, noNaN: true }), { minLength: TOKENS, maxLength: TOKENS })
const saliencies = numbers(-5, 0).map((logs) => logs.map(Math.exp))
/** The last ones are padding. */
const masks = fc.integer({ min: 4, max: TOKENS }).map((count) => Array.from({ length: TOKENS }, (_, i) => +(i < count)))

test('learns from the saliency of the output of the first layer that prunes tokens', {
  tags: 'exhaustive',
}, async () => {
  const lesson = await mailLesson(16)
  const losses = async (layer?: number): Promise<number[]> => {
    const saliency = layer === undefined ? undefined : await saliencyOf({ ...lesson, runtime: nodeRuntime(), layer })
    const { seen } = await learn(lesson, sdtp(), { epochs: 1, layers: [1, 3], ...(saliency && { saliency }) })
    return seen.map(({ loss }) => loss)
  }
  const own = await losses()
  expect(own).toEqual(await losses(2))
  expect(own).not.toEqual(await losses(0))
})

describe('the loss of sdtp', () => {
  test('the loss is the distance from the logarithm of saliency, in deviations from the mean of the row', async () => {
    await fc.assert(
      fc.asyncProperty(numbers(-3, 3), saliencies, masks, async (own, saliency, attended) => {
        const counted = attended.flatMap((is, i) => (is === 1 && i !== FIXED ? [i] : []))
        const mean = (of: (i: number) => number): number => counted.reduce((all, i) => all + of(i), 0) / counted.length
        const log = (i: number): number => Math.log(saliency[i] as number)
        const center = mean(log)
        const deviation = Math.sqrt(mean((i) => (log(i) - center) ** 2) + 1e-6)
        const expected = mean((i) => ((own[i] as number) - (log(i) - center) / deviation) ** 2)
        expect(await lossOf(own, saliency, attended)).toBeCloseTo(expected, 3)
      }),
      { numRuns: 30 },
    )
  })

  test('does not depend on the scale of saliency, nor on padding and protected tokens', async () => {
    const factors = fc.double({ min: 0.1, max: 1, noNaN: true })
    await fc.assert(
      fc.asyncProperty(numbers(-3, 3), saliencies, masks, factors, async (own, saliency, attended, factor) => {
        const loss = await lossOf(own, saliency, attended)
        const scaled = saliency.map((one) => one * factor)
        expect(await lossOf(own, scaled, attended)).toBeCloseTo(loss, 3)
        const without = (values: readonly number[], i: number) =>
          attended[i] === 0 || i === FIXED ? 0.5 : (values[i] as number)
        const others = [own, saliency].map((values) => values.map((_, i) => without(values, i))) as [number[], number[]]
        expect(await lossOf(...others, attended)).toBeCloseTo(loss, 3)
      }),
      { numRuns: 20 },
    )
  })
})

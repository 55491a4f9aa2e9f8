import { constantOf, type Method, schedule, type Values } from '@tp/core'
import type { ConstantData } from '@tp/core/expression'
import { initialValues, learnedAt } from '@tp/core/host'
import { randomNumbers } from '@tp/core/statistics'
import { nodeRuntime } from '@tp/runtime-node'
import { type SaliencyOptions, saliencyOf, train } from '@tp/train'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  difference,
  float32,
  logitsOf,
  type Mails,
  mailModel,
  openMails,
  prunedLogits,
  prunedMail,
  softLogits,
} from '../test/mail.ts'
import { rlSchedule, trBert } from './index.ts'

const layerCount = 4
let mails: Mails

beforeAll(async () => {
  mails = await openMails()
})

/** Random numbers in place of the values that a method learns. */
function someValues(method: Method, seed: number): (layer: number) => Values {
  return (layer) => {
    const values = initialValues(learnedAt(method, layer), { D: 128, H: 4 }, randomNumbers(seed + layer))
    return constants(values)
  }
}

function constants(values: Readonly<Record<string, ConstantData>>): Values {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, constantOf(value, () => value.data)]))
}

/** Some rows of mixed lengths, and how many tokens wide they are. */
async function someRows(first: number) {
  const feeds = await mails.inputs.feeds(Array.from({ length: 8 }, (_, i) => (first + 7 * i) % 32))
  return { feeds, width: feeds.input_ids?.dims[1] as number }
}

const layers = fc.subarray([0, 1, 2], { minLength: 1, maxLength: 3 })
const sample = fc.record({ layers, seed: fc.integer({ min: 0, max: 1000 }), first: fc.integer({ min: 0, max: 31 }) })
const few = { numRuns: process.env.TP_EXHAUSTIVE ? 5 : 3 }

describe('tr-bert', () => {
  const method = trBert()

  test('answers with hidden tokens as with pruned ones', async () => {
    await fc.assert(
      fc.asyncProperty(sample, async ({ layers, seed, first }) => {
        const { feeds, width } = await someRows(first)
        const noise = layers.map(
          (layer) => [`tp.noise.${layer}.0`, float32([8, width], new Float32Array(8 * width).fill(0.5))] as const,
        )
        const values = someValues(method, seed)
        const soft = await softLogits(method, layers, values, { ...feeds, ...Object.fromEntries(noise) })
        const plan = schedule(layerCount, { layers, threshold: 0.5 })
        expect(difference(soft, await prunedLogits(method, plan, values, feeds))).toBeLessThan(1e-4)
      }),
      few,
    )
  })

  test('answers like the dense model where all tokens are kept', async () => {
    const { feeds, width } = await someRows(0)
    const noise = { 'tp.noise.2.0': float32([8, width], new Float32Array(8 * width)) }
    const soft = await softLogits(method, [2], someValues(method, 1), { ...feeds, ...noise })
    const rows = Array.from({ length: 8 }, (_, i) => (7 * i) % 32)
    const dense = rows.flatMap((row) => Array.from(mails.teacher.subarray(row * 2, row * 2 + 2)))
    expect(difference(soft, dense)).toBeLessThan(1e-4)
  })
})

describe('rl-schedule', () => {
  const ratios = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]

  test('answers with drawn ratios as with a schedule of them', async () => {
    const drawn = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 })
    const method = rlSchedule()
    await fc.assert(
      fc.asyncProperty(sample, drawn, async ({ layers, seed, first }, choices) => {
        const { feeds } = await someRows(first)
        const noise = layers.map((layer, i) => {
          const data = Float32Array.from({ length: 8 * 7 }, (_, at) => (at % 7 === choices[i] ? 0.9999999 : 0))
          return [`tp.noise.${layer}.0`, float32([8, 7], data)] as const
        })
        const values = someValues(method, seed)
        const soft = await softLogits(method, layers, values, { ...feeds, ...Object.fromEntries(noise) })
        const plan = schedule(layerCount, {
          layers,
          keep: layers.map((_, i) => ratios[choices[i] as number] as number),
        })
        expect(difference(soft, await prunedLogits(method, plan, values, feeds))).toBeLessThan(1e-4)
      }),
      few,
    )
  })

  test('makes a schedule of the likeliest ratio of the policy, layer by layer', () => {
    const method = rlSchedule({ lowest: 0.8 })
    const zeros = initialValues(
      learnedAt(method, 0),
      {},
      () => 0.5, // glorot: 0
    )
    const of = (change: Readonly<Record<string, readonly number[]>>) => {
      const learned = Object.fromEntries(
        Object.entries(zeros).map(([name, value]) => {
          const data = value.data.slice()
          data.set(change[name] ?? [])
          return [name, { ...value, data }]
        }),
      )
      const plan = method.training?.harden?.(new Map([3, 1, 2].map((layer) => [layer, learned])), { layerCount })
      return [...(plan ?? [])].map(([layer, amount]) => [layer, amount.value])
    }
    expect(of({ bias2: [0, 0, 1] })).toEqual([1, 2, 3].map((layer) => [layer, 0.8]))
    expect(of({ bias2: [0, 1, 0] })).toEqual([1, 2, 3].map((layer) => [layer, 0.9]))
    // one unit sees the keep ratio so far, and votes for 1 while no token is pruned: not after the first layer
    const byShare = { weight1: Array.from({ length: 48 }, (_, i) => (i === 16 ? 10 : 0)) }
    const speaks = { weight2: [0, 0, 1], bias2: [8.5, 0, 0] }
    expect(of({ ...byShare, ...speaks })).toEqual([
      [1, 0.8],
      [2, 1],
      [3, 1],
    ])
  })
})

// A test of the command line trains tr-bert every day.
test('rl-schedule keeps fewer tokens at a price', { tags: 'exhaustive' }, async () => {
  const method = rlSchedule({ samples: 4 })
  const options: SaliencyOptions = { model: mailModel, runtime: nodeRuntime(), inputs: mails.inputs }
  const flops: number[] = []
  const trained = await train({
    ...{ ...options, ...mails, saliency: await saliencyOf(options), soft: { method, layers: [1, 2, 3] } },
    ...{ epochs: 8, batchSize: 8, methodRate: 1e-2, learningRate: 1e-4, evaluations: 1, regulariser: 3 },
    onProgress: (progress) => flops.push(progress.flops as number),
  })
  const mean = (four: readonly number[]): number => four.reduce((sum, one) => sum + one, 0) / 4
  expect(mean(flops.slice(-4))).toBeLessThan(mean(flops.slice(0, 4)) - 0.03)
  const plan = method.training?.harden?.(trained.learned, { layerCount }) ?? new Map()
  expect([...plan.keys()]).toEqual([1, 2, 3])
  // one policy for all layers
  expect(trained.learned.get(3)).toEqual(trained.learned.get(1))
  const bytes = prunedMail(trained.model, method, plan, (layer) => constants(trained.learned.get(layer) ?? {}))
  const rows = Array.from({ length: 8 }, (_, i) => 4 * i)
  const together = await logitsOf(bytes, await mails.inputs.feeds(rows))
  for (const [i, row] of rows.entries()) {
    const alone = await logitsOf(bytes, await mails.inputs.feeds([row]))
    expect(difference(together.slice(2 * i, 2 * i + 2), alone), `mail ${row}`).toBeLessThan(1e-4)
  }
})

import { readFileSync } from 'node:fs'
import { evaluate } from '@tp/compare'
import { type Plan, prune, type QuantizeOptions, quantize, transform, transformsOf } from '@tp/compiler'
import { baselines, type MethodEntry, none } from '@tp/core'
import { loadTokenizer } from '@tp/data'
import { type ModelInputs, textDataset, textInputs } from '@tp/data/inputs'
import { methods } from '@tp/method-attention'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Measurements, type TuneOptions, tune } from './index.ts'
import { splitOf } from './split.ts'

const timeout = 180_000
const runtime = nodeRuntime()
const model = decodeModel(readFileSync(modelPath('mail')))
const entry = methods.find(({ name }) => name === 'cls-attention') as MethodEntry
const lengths = [8, 16, 32, 48]
const LAYERS = 5
let inputs: ModelInputs

beforeAll(async () => {
  await using session = await runtime.load(modelPath('mail'), { threads: 1 })
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = textDataset('mails', mailData('calibration').slice(0, 80))
  inputs = await textInputs(mails, session.inputs, tokenizer, { maxTokens: 48 })
}, timeout)

/** The times of a device on which every layer takes as long, and 8 bits so many times as long as float32. */
function timesOf(factor: number): Record<string, readonly number[]> {
  const known: Record<string, readonly number[]> = {}
  for (const [form, pace] of [
    ['', 1],
    [' in 8 bits', factor],
  ] as const) {
    const table = `latency node attention batch 1${form}`
    known[`${table} dense`] = lengths.map((length) => pace * length)
    for (let layer = 0; layer < LAYERS; layer++) {
      known[`${table} up to ${layer}`] = lengths.map(() => (layer + 1) / (LAYERS + 1))
    }
    known[`latency node batch 1 choosing by cls-attention${form}`] = lengths.map(() => 0)
  }
  return known
}

const ask = (options: Partial<TuneOptions> = {}) =>
  tune({
    ...{ model, inputs, variants: [{ entry }], runtime, maxLoss: 5, quantize: {} },
    ...{ grid: [{ batch: 4, tokens: 48 }], shapes: [{ batch: 1, tokens: 48 }] },
    ...options,
  })

describe('where 8 bits may be chosen', () => {
  test('they are where they are faster, and the reported loss is that of the file', {
    timeout,
    tags: 'exhaustive',
  }, async () => {
    const { regimes, figures } = await ask({ known: timesOf(0.05) })
    expect(figures.eightBits).toMatchObject({ speedup: expect.closeTo(20), holds: true })
    const plan = regimes.at(-1)?.plan
    expect(plan?.quantize).toEqual({})
    const { model: own } = transform(model, ...transformsOf(plan as Plan, [...baselines, ...methods]))
    const { choose } = splitOf(inputs)
    await using dense = await runtime.load(modelPath('mail'), { threads: 1 })
    await using session = await runtime.load(encodeModel(own), { threads: 1 })
    const [before, after] = [await evaluate(dense, choose), await evaluate(session, choose, { batchSize: 16 })]
    expect(figures.loss?.estimate).toBeCloseTo(before.accuracy.estimate - after.accuracy.estimate, 9)
    expect(figures.expectedMs?.pruned).toBeLessThan(0.1 * (figures.expectedMs?.dense as number))
  })

  test('they are tried even where the time was over before', { timeout, tags: 'exhaustive' }, async () => {
    const { figures } = await ask({ known: timesOf(0.05), limitMs: 1 })
    expect(figures.eightBits).toMatchObject({ speedup: expect.closeTo(20), holds: true })
  })

  /** The measurements until the first pruned answers are judged by labels. */
  async function lookedAt(known: Measurements): Promise<string[]> {
    const stop = new AbortController()
    let keys: string[] = []
    const onMeasured = (all: Measurements): void => {
      keys = Object.keys(all)
      if (keys.some((key) => key.startsWith('logits cls-attention'))) stop.abort()
    }
    await expect(ask({ known, onMeasured, signal: stop.signal })).rejects.toMatchObject({ code: 'TP_ABORTED' })
    return keys
  }

  test('they are left out where they are too slow, or lose too much alone', {
    timeout,
    tags: 'exhaustive',
  }, async () => {
    const wrong = splitOf(inputs).choose.targets.flatMap((target) => (target === 0 ? [-9, 9] : [9, -9]))
    const slow = await lookedAt(timesOf(20))
    const bad = await lookedAt({ ...timesOf(0.05), 'logits none in 8 bits 1 1 1 1 1 choose': wrong })
    for (const keys of [slow, bad]) {
      expect(keys.some((key) => key.startsWith('divergences cls-attention '))).toBe(true)
      expect(keys.filter((key) => /^(divergences|logits cls).* in 8 bits/.test(key))).toEqual([])
    }
  })

  test('they are not verified where they are too slow, so that pruning does not fail with them', {
    timeout,
    tags: 'exhaustive',
  }, async () => {
    const { verify } = splitOf(inputs, 1)
    const wrong = (verify as ModelInputs).targets.flatMap((target) => (target === 0 ? [-9, 9] : [9, -9]))
    const known = { ...timesOf(20), 'logits none in 8 bits 1 1 1 1 1 verify': wrong }
    const { regimes, figures } = await ask({ known, maxLoss: 40, confident: true })
    expect(figures.eightBits).toMatchObject({ holds: true, speedup: expect.closeTo(1 / 20) })
    expect(figures.loss?.estimate).toBeLessThanOrEqual(40)
    expect(regimes.at(-1)?.plan.quantize).toBeUndefined()
  })

  test.each([
    [
      'that is so already',
      transform(model, prune({ method: none(), schedule: new Map() }), quantize()).model,
      {},
      'TP_QUANTIZED',
    ],
    ['with an unknown option', model, { bits: 8 } as QuantizeOptions, 'TP_OPTION'],
  ])('a model %s is refused before anything is measured', async (_, own, quantize, code) => {
    const onMeasured = () => expect.unreachable('measured')
    await expect(ask({ model: own, quantize, onMeasured })).rejects.toMatchObject({ code })
  })
})

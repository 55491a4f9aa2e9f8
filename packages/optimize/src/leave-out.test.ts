import { readFileSync } from 'node:fs'
import { evaluate } from '@tp/compare'
import { inspect, leaveOut, type Plan, prune, transform, transformsOf } from '@tp/compiler'
import { baselines, type MethodEntry, none } from '@tp/core'
import { loadTokenizer } from '@tp/data'
import { type ModelInputs, textDataset, textInputs } from '@tp/data/inputs'
import { methods } from '@tp/method-attention'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Candidate, unprunedVariant } from './candidate.ts'
import type { ChoiceOptions } from './candidate-answers.ts'
import type { Contender } from './contenders.ts'
import { type TuneOptions, tune } from './index.ts'
import { leavableOf } from './leavable.ts'
import { withFewerLayers } from './leave-out.ts'
import type { Answers } from './measure-answers.ts'
import { Measurer } from './measurer.ts'
import { splitOf } from './split.ts'
import { worthVerifying } from './worth-verifying.ts'

const timeout = 180_000
const runtime = nodeRuntime()
const model = decodeModel(readFileSync(modelPath('mail')))
const entry = methods.find(({ name }) => name === 'cls-attention') as MethodEntry
let inputs: ModelInputs

beforeAll(async () => {
  await using session = await runtime.load(modelPath('mail'), { threads: 1 })
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = textDataset('mails', mailData('calibration').slice(0, 80))
  inputs = await textInputs(mails, session.inputs, tokenizer, { maxTokens: 48 })
}, timeout)

describe('leaving layers out, by measurements that are known', () => {
  const LAYERS = 4
  const sites = [1, 2]

  /** A device where `pace` is the time of one layer of four, and a model whose answers move by these nats without each. */
  function choiceOf(moved: readonly number[], wrongWithout: number, eightBitsWrong = LAYERS): ChoiceOptions {
    const split = splitOf(inputs)
    const logits = split.choose.targets.flatMap((target) => (target === 0 ? [9, -9] : [-9, 9]))
    const wrong = logits.map((value) => -value)
    const known: Record<string, readonly number[]> = {}
    for (let set = 1; set < 2 ** LAYERS - 1; set++) {
      const layers = Array.from({ length: LAYERS }, (_, layer) => layer).filter((layer) => (set >> layer) & 1)
      const name = `none without ${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}`
      known[`divergences ${name} 1 1`] = [layers.reduce((sum, layer) => sum + (moved[layer] as number), 0)]
      for (const [form, pace, limit] of [
        ['', 1, wrongWithout],
        [' in 8 bits', 0.5, eightBitsWrong],
      ] as const) {
        known[`logits ${name}${form} 1 1 choose`] = layers.length < limit ? logits : wrong
        known[`times node at 1 none 1 1, ${name}${form} 1 1`] = [1, pace * (1 - layers.length / LAYERS)]
      }
    }
    const dense: Answers = { logits: Float32Array.from(logits), classes: 2 }
    return {
      ...{ measurer: new Measurer({ known }), model, runtime, inputs, device: runtime, sites, shapes: [{ batch: 1 }] },
      ...{ split, look: split.look, seen: dense, dense: { choose: dense, verify: dense } },
      ...{ maxLoss: 1, confident: false, cascade: false, leavable: { layers: [0, 1, 2, 3], most: 2 } },
    }
  }
  const contender = { denseMs: 8 } as Contender
  const eightBits: Candidate = { variant: unprunedVariant({ quantize: {} }), shares: [1, 1], ms: 5 }
  const namesOf = (rows: readonly (readonly Candidate[])[] = []) =>
    rows.map((row) => row.map(({ variant, ms }) => [variant.name, ms]))

  test('takes the one whose absence moves the answers least, up to half of them', async () => {
    const found = await withFewerLayers(choiceOf([3, 1, 0.5, 2], 9), [contender], undefined)
    expect(namesOf(found?.rows)).toEqual([
      [
        ['none without layers 1, 2', 4],
        ['none without layer 2', 6],
      ],
      [],
    ])
    expect(found?.about).toMatchObject({ layers: [1, 2], speedup: 2, holds: true, loss: { estimate: 0 } })
  })

  test('ends where the answers lose too much, and says so if the first do', async () => {
    const once = await withFewerLayers(choiceOf([3, 1, 0.5, 2], 2), [contender], undefined)
    expect(namesOf(once?.rows)).toEqual([[['none without layer 2', 6]], []])
    expect(once?.about).toMatchObject({ layers: [2], holds: true })
    const never = await withFewerLayers(choiceOf([3, 1, 0.5, 2], 1), [contender], eightBits)
    expect(namesOf(never?.rows)).toEqual([[], []])
    expect(never?.about).toMatchObject({ layers: [2], speedup: 4 / 3, holds: false, loss: { estimate: 100 } })
  })

  test('tries those that hold in 8 bits, too, and does without those that 8 bits alone are faster than', async () => {
    const found = await withFewerLayers(choiceOf([3, 1, 0.5, 2], 9, 2), [contender], eightBits)
    expect(namesOf(found?.rows)).toEqual([[['none without layers 1, 2', 4]], [['none without layer 2 in 8 bits', 3]]])
    expect(found?.rows.flat().map(({ variant }) => variant.quantize)).toEqual([undefined, {}])
  })

  test('verifies a slower one than the fastest only if it loses less', async () => {
    const choice = choiceOf([3, 1, 0.5, 2], 2)
    const [good, bad] = [[2], [1, 2]].map((leaveOut) => unprunedVariant({ leaveOut }))
    const candidatesOf = (...variants: (Candidate['variant'] | undefined)[]) =>
      variants.map((variant, i) => ({ variant, shares: [1, 1], ms: i }) as Candidate)
    expect(await worthVerifying(choice, candidatesOf(bad, good))).toHaveLength(2)
    expect(await worthVerifying(choice, candidatesOf(good, bad))).toMatchObject([{ variant: { leaveOut: [2] } }])
    expect(await worthVerifying(choice, [])).toEqual([])
  })

  test('does nothing where it is not requested', async () => {
    const choice = { ...choiceOf([1, 1, 1, 1], 9), leavable: undefined }
    expect(await withFewerLayers(choice, [contender], undefined)).toBeUndefined()
  })
})

describe('where layers may be left out', () => {
  const ask = (options: Partial<TuneOptions> = {}) =>
    tune({
      ...{ model, inputs, variants: [{ entry }], runtime, maxLoss: 100, leaveOut: true },
      ...{ grid: [{ batch: 4, tokens: 48 }], shapes: [{ batch: 1, tokens: 48 }] },
      ...options,
    })

  test('half of them are where all that hold are allowed, and the reported loss is that of the file', {
    timeout,
    tags: 'exhaustive',
  }, async () => {
    // A device on which pruned tokens save no time.
    const known: Record<string, readonly number[]> = {}
    const lengths = [8, 16, 32, 48]
    for (const form of ['', ' in 8 bits']) {
      known[`latency node attention batch 1${form} dense`] = lengths
      for (let layer = 0; layer < 5; layer++) {
        known[`latency node attention batch 1${form} up to ${layer}`] = lengths.map(() => 1)
      }
      known[`latency node batch 1 choosing by cls-attention${form}`] = lengths.map(() => 0)
    }
    // And every layer left out saves a sixth, 8 bits half of it all.
    const [all, times] = ['1 1 1 1 1', 'times node at 1x48']
    for (let set = 1; set < 2 ** 6 - 1; set++) {
      const leaveOut = Array.from({ length: 6 }, (_, layer) => layer).filter((layer) => (set >> layer) & 1)
      const [float, rounded] = [{ leaveOut }, { leaveOut, quantize: {} }].map((form) => unprunedVariant(form).name)
      known[`${times} none ${all}, ${float} ${all}`] = [1, 1 - leaveOut.length / 6]
      known[`${times} none ${all}, ${rounded} ${all}`] = [1, (1 - leaveOut.length / 6) / 2]
      known[`${times} ${rounded} ${all}, ${float} ${all}`] = [1, 2]
    }
    const { regimes, figures } = await ask({ known, quantize: {} })
    const plan = regimes.at(-1)?.plan as Plan
    expect(plan).toMatchObject({ method: 'none', leaveOut: { length: 3 } })
    expect(plan.layers).toBeUndefined()
    expect(figures.leftOut).toMatchObject({ layers: plan.leaveOut, holds: true })
    expect(figures.leftOut?.speedup).toBeGreaterThan(1)
    const { model: own } = transform(model, ...transformsOf(plan, [...baselines, ...methods]))
    const { choose } = splitOf(inputs)
    await using dense = await runtime.load(modelPath('mail'), { threads: 1 })
    await using session = await runtime.load(encodeModel(own), { threads: 1 })
    const [before, after] = [await evaluate(dense, choose), await evaluate(session, choose, { batchSize: 16 })]
    expect(figures.loss?.estimate).toBeCloseTo(before.accuracy.estimate - after.accuracy.estimate, 9)
  })

  test('one of a single layer keeps it, and measures nothing', async () => {
    const left = transform(model, leaveOut({ layers: [1, 2, 3, 4, 5] }))
    const found = inspect(left.model)
    expect(found.ok && leavableOf(left.model, found)).toBeUndefined()
  })

  test('a model that is pruned already is refused before anything is measured', async () => {
    const onMeasured = () => expect.unreachable('measured')
    const own = transform(model, prune({ method: none(), schedule: new Map() })).model
    await expect(ask({ model: own, onMeasured })).rejects.toMatchObject({ code: 'TP_PRUNED' })
  })
})

import { readFileSync } from 'node:fs'
import { leaveOut, prune, transform } from '@tp/compiler'
import { type Method, none, random, type Schedule, schedule } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { prepareInputs, readModelFolder } from '@tp/data'
import { type ModelInputs, textDataset, UNLABELED } from '@tp/data/inputs'
import { clsAttention } from '@tp/method-attention'
import type { Interval } from '@tp/metrics'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { check, verify } from '../src/index.ts'

const node = nodeRuntime()
const runtime: Runtime = { ...node, load: (model, options) => node.load(model, { threads: 1, ...options }) }
const mail = decodeModel(readFileSync(modelPath('mail')))
/** The first half of the mail model. */
const dense = transform(mail, leaveOut({ layers: [3, 4, 5] })).model

function pruned(method: Method, plan: Schedule): Model {
  const result = transform(dense, prune({ method, schedule: plan }))
  return result.model
}

describe('programs without types', () => {
  test.each<[string, readonly unknown[], string]>([
    ['no models', [null, dense, { runtime }], 'TP_NOT_ONNX'],
    ['no source', [dense, undefined, { runtime }], 'TP_NOT_ONNX'],
    ['the path of a model alone', [dense, { path: modelPath('mail') }, { runtime }], 'TP_NOT_ONNX'],
    ['no options', [dense, dense], 'TP_OPTION'],
    ['no runtime', [dense, dense, {}], 'TP_OPTION'],
  ])('get a code for %s', async (_, values, code) => {
    await expect(verify(...(values as Parameters<typeof verify>))).rejects.toMatchObject({ code })
    await expect(check(...(values as Parameters<typeof check>))).rejects.toMatchObject({ code })
  })

  test('get a code for no data', async () => {
    await expect(check(dense, dense, { runtime } as never)).rejects.toMatchObject({ code: 'TP_OPTION' })
  })
})

describe('verify', () => {
  test('reads the source from its path', async () => {
    const model = pruned(clsAttention(), schedule(3, { keep: 0.5 }))
    const { invariance } = await verify(model, { model: dense, path: modelPath('mail') }, { runtime })
    expect(invariance).toHaveProperty(['padded right'])
  })

  test('refuses models in the wrong order', async () => {
    const model = pruned(clsAttention(), schedule(3, { keep: 0.5 }))
    await expect(verify(dense, model, { runtime })).rejects.toThrow('call verify(changed, source)')
  })
})

describe('check', () => {
  /** Twelve short mails, as many of each class. */
  let data: ModelInputs
  beforeAll(async () => {
    data = await mailsOf(0, 1)
  })

  async function mailsOf(...classes: readonly number[]): Promise<ModelInputs> {
    await using session = await runtime.load(modelPath('mail'))
    const short = mailData('dev').filter(({ text }) => text.length < 300)
    const some = classes.flatMap((own) => short.filter(({ label }) => label === own).slice(0, 12 / classes.length))
    return await prepareInputs(textDataset('mails', some), session.inputs, await readModelFolder(modelPath('mail')))
  }

  test('compares answers with those of the dense model where labels are not known', async () => {
    const unlabeled = { ...data, targets: data.targets.map(() => UNLABELED) }
    const options = { runtime, data: unlabeled, maxLoss: 20, timingMs: 1, minSpeedup: 0.01 }
    const model = pruned(random(), schedule(3, { keep: 0.3 }))
    const { verdict, loss, pruned: column, dense: own } = await check(model, dense, options)
    expect(Object.keys(column.answers.cells)).toEqual(['answers changed', 'expected loss', 'divergence'])
    expect(Object.keys(own.answers.cells)).toEqual(Object.keys(column.answers.cells))
    const { changed } = column.answers.content as { changed: Interval }
    expect(loss.interval.estimate).toBeLessThanOrEqual(changed.estimate)
    expect(loss.interval.estimate).toBeGreaterThanOrEqual(changed.estimate / 2)
    expect(loss).toMatchObject({ unit: 'points of expected accuracy', same: false, most: changed.high })
    expect(verdict.text).toMatch(
      /^not shown: .* but 12 examples do not show that it loses at most 20 points of expected/,
    )
    expect(verdict.passed).toBe(true)
    const exact = await check(pruned(none(), new Map()), dense, { ...options, maxLoss: 0, confident: true })
    expect(exact.verdict).toMatchObject({ answer: 'yes', passed: true })
  })

  test('says whether a pruned model is faster and as accurate', async () => {
    const options = { runtime, data, maxLoss: 0, confident: true, timingMs: 1, minSpeedup: 0.01 }
    const { verdict, loss, pruned: column } = await check(pruned(none(), new Map()), dense, options)
    expect(loss).toMatchObject({ unit: 'points of accuracy', same: true })
    expect(verdict).toMatchObject({
      ...{ answer: 'yes', passed: true },
      text: expect.stringMatching(/^yes: \d+\.\d\d× \(.*\) as fast as dense, and all outputs are the dense ones$/),
    })
    expect(column.answers.cells['agrees with dense']).toEqual({ percent: 100 })
  })

  test.each([
    ['labels', (targets: readonly number[]) => targets],
    ['no labels', (targets: readonly number[]) => targets.map(() => UNLABELED)],
  ])('says that examples of one class show nothing, with %s', async (_, targetsOf) => {
    const inputs = await mailsOf(1)
    const options = { runtime, data: { ...inputs, targets: targetsOf(inputs.targets) }, timingMs: 1, minSpeedup: 0.01 }
    const model = pruned(clsAttention(), schedule(3, { keep: 0.9 }))
    const { verdict, dense: own } = await check(model, dense, options)
    expect(own.answers.verdict).toMatch(
      /^gives all examples the same class, so they cannot show a loss; give examples of/,
    )
    expect(verdict).toMatchObject({ answer: 'not shown', text: expect.stringMatching(/all examples the same class/) })
  })

  test('refuses models that do not take the same inputs', async () => {
    const digits = decodeModel(readFileSync(modelPath('digits-vit')))
    await expect(check(digits, dense, { runtime, data })).rejects.toMatchObject({ code: 'TP_INPUT' })
  })
})

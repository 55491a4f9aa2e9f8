import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Session } from '@tp/core/runtime'
import { openDataset, type PrepareOptions, prepareInputs, readModelFolder } from '@tp/data'
import { type Dataset, imageDataset, modalityOf, textDataset, UNLABELED } from '@tp/data/inputs'
import { clauseData, digitsData, embeddedModel, mailData, modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareToDense } from './against-dense.ts'
import { classify } from './classify.ts'
import { evaluate } from './evaluate.ts'

const shared = process.env.TP_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url))

describe('the mail model', () => {
  let session: Session
  beforeAll(async () => {
    session = await nodeRuntime().load(modelPath('mail'), { threads: 1 })
  })
  afterAll(() => session[Symbol.asyncDispose]())

  const mails = (count?: number) => textDataset('mails', mailData('test').slice(0, count))
  const prepare = async (dataset: Dataset, options: PrepareOptions = {}) =>
    prepareInputs(dataset, session.inputs, { ...(await readModelFolder(modelPath('mail'))), ...options })

  test('answers 98.09 % of its test split correctly', { timeout: 240_000, tags: 'exhaustive' }, async () => {
    const seen: number[] = []
    const { accuracy, correct, latency } = await evaluate(session, await prepare(mails()), {
      batchSize: 8,
      onProgress: ({ done, total }) => seen.push(done / total),
    })
    expect(correct.filter(Boolean)).toHaveLength(1233)
    expect(accuracy.estimate).toBeCloseTo(98.09, 2)
    expect(accuracy.low).toBeGreaterThan(97)
    expect(accuracy.high).toBeLessThan(99)
    expect(latency).toBeUndefined()
    expect(seen).toHaveLength(Math.ceil(1257 / 8))
    expect(seen.at(-1)).toBe(1)
  })

  test('says how many tokens the model takes where a text has more', async () => {
    const words = textDataset('words', [{ text: 'word '.repeat(700), label: 0 }])
    const inputs = await prepare(words, { maxTokens: 600 })
    await expect(evaluate(session, inputs)).rejects.toThrow(
      expect.objectContaining({
        code: 'TP_TOO_LONG',
        message: expect.stringContaining(
          'a text has 600 tokens, and the model runs 512 at most; next to the model, write',
        ),
      }),
    )
  })

  test('answers the same one by one and in batches, and times the runs', async () => {
    const inputs = await prepare(mails(15))
    const single = await evaluate(session, inputs, { layerCount: 6 })
    const batched = await evaluate(session, inputs, { batchSize: 7 })
    const { agreement, largestDifference, loss } = compareToDense(batched, single)
    expect([agreement, loss.estimate]).toEqual([100, 0])
    expect(largestDifference).toBeLessThan(1e-4)
    expect(single.kept).toEqual({ layers: [1, 1, 1, 1, 1, 1], mean: 1 })
    expect(single.latency?.p50).toBeGreaterThan(0)
    expect(single.latency?.p90).toBeGreaterThanOrEqual(single.latency?.p50 ?? Number.POSITIVE_INFINITY)
  })

  test('names a class that it does not have', async () => {
    const strange = textDataset('strange', [{ text: 'hello', label: 2 }])
    await expect(evaluate(session, await prepare(strange))).rejects.toMatchObject({
      code: 'TP_DATA',
      message: '[compare] strange: example 0 has class 2, but the model gives 2 classes (0…1)',
    })
  })

  test('names the task where one number is to be a class', async () => {
    const ratings = await prepare(textDataset('ratings', [{ text: 'hello', label: 4 }]))
    const run = async () => ({ score: { type: 'float32', dims: [1, 1], data: Float32Array.of(3) } })
    await expect(evaluate({ ...session, run } as typeof session, ratings)).rejects.toThrow(
      '(0…1); where its one number estimates such classes, give the task regression',
    )
  })

  test('finds no answer right or wrong without labels, and gives answers all the same', async () => {
    const inputs = await prepare(mails(4))
    const unlabeled = { ...inputs, targets: inputs.targets.map(() => UNLABELED) }
    await expect(evaluate(session, unlabeled)).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('mails: has no labels, so no answer is right or wrong; classify() gives'),
    })
    const { predictions, logits } = await evaluate(session, inputs)
    expect(await classify(session, unlabeled)).toMatchObject({ predictions, logits, figures: {} })
  })

  test('refuses no examples and an empty batch', async () => {
    await expect(evaluate(session, await prepare(textDataset('nothing', [])))).rejects.toThrow('holds no examples')
    const inputs = await prepare(mails(1))
    await expect(evaluate(session, inputs, { batchSize: 0 })).rejects.toMatchObject({ code: 'TP_OPTION' })
  })

  test('stops at the signal', async () => {
    const controller = new AbortController()
    const inputs = await prepare(mails(20))
    const onProgress = ({ done }: { done: number }): void => {
      if (done === 2) controller.abort()
    }
    await expect(evaluate(session, inputs, { signal: controller.signal, onProgress })).rejects.toMatchObject({
      code: 'TP_ABORTED',
    })
  })

  const minilmTokenizer = `${shared}/models/minilm-sentiment/tokenizer.json`
  if (existsSync(minilmTokenizer)) {
    test('detects another tokenizer, even where the vocabulary is not known', async () => {
      const options = { tokenizer: minilmTokenizer }
      await expect(prepare(mails(3), options)).rejects.toMatchObject({ code: 'TP_TOKENIZER' })
      const inputs = await prepare(mails(3), { ...options, vocabularySize: undefined })
      await expect(evaluate(session, inputs)).rejects.toMatchObject({
        code: 'TP_TOKENIZER',
        message: expect.stringContaining('its table has 8192 rows: the tokenizer belongs to another model'),
      })
    })
  } else test.skip('detects another tokenizer (left out: no shared/models/minilm-sentiment)', () => {})
})

test('the clauses model is right on 91.8 % of its test split', { timeout: 60_000, tags: 'exhaustive' }, async () => {
  const session = await nodeRuntime().load(modelPath('clauses'), { threads: 1 })
  const inputs = await prepareInputs(
    textDataset('clauses', clauseData('test')),
    session.inputs,
    await readModelFolder(modelPath('clauses')),
  )
  const { accuracy } = await evaluate(session, inputs, { batchSize: 8 })
  await session[Symbol.asyncDispose]()
  expect(accuracy.estimate).toBeCloseTo(91.8, 1)
})

test('the digits model is right on 98.0 % of the images it was not trained on', {
  timeout: 60_000,
  tags: 'exhaustive',
}, async () => {
  const { normalization } = embeddedModel('digits-vit')
  if (normalization === undefined) throw new Error('digits-vit has no normalization')
  const images = imageDataset('digits', { channels: 1, height: 28, width: 28 }, [
    ...digitsData('calibration'),
    ...digitsData('test'),
  ])
  const session = await nodeRuntime().load(modelPath('digits-vit'), { threads: 1 })
  const inputs = await prepareInputs(images, session.inputs, {
    normalization: { mean: [normalization.mean], std: [normalization.std] },
  })
  const { accuracy } = await evaluate(session, inputs, { batchSize: 32 })
  await session[Symbol.asyncDispose]()
  expect(accuracy.estimate).toBeCloseTo(98.0, 1)
})

/** Models that are not part of the project, on the first examples of their data: accuracy over all is in their table. */
const digits = { mean: [0.1307], std: [0.3081] }
describe.each([
  { model: 'minilm-sentiment', data: 'sst2/dev.tsv', limit: 200, least: 85, normalization: undefined },
  { model: 'digits-vit', data: 'mnist', limit: 500, least: 95, normalization: digits },
  { model: 'vit-mnist', data: 'mnist', limit: 500, least: 95, normalization: digits },
  { model: 'fashion-vit', data: 'fashion', limit: 500, least: 80, normalization: { mean: [0.286], std: [0.353] } },
  { model: 'kwt1', data: 'keywords', limit: 50, least: 80, normalization: undefined },
])('$model on $data', ({ model, data, limit, least, normalization }) => {
  const path = `${shared}/models/${model}/model.onnx`
  if (!existsSync(path) || !existsSync(`${shared}/data/${data}`)) {
    test.skip('has nearly the accuracy of its table (left out: not in shared/)', () => {})
    return
  }

  test('has nearly the accuracy of its table', { tags: model === 'kwt1' ? [] : 'exhaustive' }, async () => {
    const known = await readModelFolder(path)
    const keywords = ['_silence_', '_unknown_', 'yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go']
    const labels = model === 'kwt1' ? keywords : known.labels
    const session = await nodeRuntime().load(path, { threads: 1 })
    const modality = modalityOf(session.inputs)
    const dataset = await openDataset(`${shared}/data/${data}`, { labels, limit, modality })
    const inputs = await prepareInputs(dataset, session.inputs, { ...known, normalization })
    const { accuracy } = await evaluate(session, inputs, { batchSize: 16 })
    await session[Symbol.asyncDispose]()
    expect(dataset.examples).toHaveLength(limit)
    expect(accuracy.estimate).toBeGreaterThan(least)
  })
})

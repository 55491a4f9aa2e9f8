import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Session } from '@tp/core/runtime'
import { type PrepareOptions, prepareInputs, readModelFolder } from '@tp/data'
import { type Dataset, textDataset, UNLABELED } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
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

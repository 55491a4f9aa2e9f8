import { join } from 'node:path'
import { env, pipeline, RawImage } from '@huggingface/transformers'
import { mailData } from '@tp/models'
import { addDigits, addImages, addMail, openModelFolder } from 'pipeline-models'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addLetters } from './models.ts'
import { half } from './plans.ts'
import { expectPruned, sideBySide } from './side-by-side.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()
const folder = models.path
const fixtures = join(import.meta.dirname, '../../../tools/exported-encoders/fixtures')

beforeAll(async () => {
  env.allowRemoteModels = false
  env.localModelPath = `${folder}/`
  await addMail(models)
  await addDigits(models)
})
afterAll(() => models[Symbol.asyncDispose]())

test('prunes text-classification one by one and as a batch', async () => {
  const texts = mailData('test')
    .slice(0, 6)
    .map(({ text }) => text.slice(0, 500))
  const outputs = await sideBySide({ folder, name: 'mail' }, async (name) => {
    const classify = await pipeline('text-classification', name)
    const [one, batch] = [await classify(texts[0] as string), await classify(texts)]
    return { one, batch }
  })
  expectPruned(outputs, [1, 2])
})

test('prunes question-answering, with outputs of one number per token of the full length', async () => {
  await addLetters(
    models,
    'answers',
    { model_type: 'bert', architectures: ['BertForQuestionAnswering'] },
    {
      'onnx/model.onnx': join(fixtures, 'bert-qa-sdpa-ts17/model.onnx'),
    },
  )
  const outputs = await sideBySide({ folder, name: 'answers' }, async (name) => {
    const answer = await pipeline('question-answering', name)
    const inputs = answer.tokenizer('where?', { text_pair: 'a cat sat on the mat.' })
    const { start_logits, end_logits } = await answer.model(inputs)
    return { start: [start_logits.dims, ...start_logits.data], end: [end_logits.dims, ...end_logits.data] }
  })
  expectPruned(outputs, [1, 2])
})

describe('images', () => {
  const image = new RawImage(
    Uint8ClampedArray.from({ length: 64 * 64 * 3 }, (_, i) => 128 + 120 * Math.sin(i / 97 + (i % 3))),
    64,
    64,
    3,
  )

  test.each([
    ['images', { pixel_values: [0, 1] }, [0, 1], []],
    ['images and texts', { pixel_values: [0], input_ids: [1] }, [0], [1]],
  ])('prunes the %s of zero-shot-image-classification', async (_, layers, ofImages, ofTexts) => {
    await addImages(models, 'clip')
    const plan = { ...half, layers }
    const outputs = await sideBySide({ folder, name: 'clip', plan }, async (name) => {
      const classify = await pipeline('zero-shot-image-classification', name)
      return classify(image, ['a cat', 'a dog', 'an owl'], { hypothesis_template: '{}' })
    })
    expectPruned(outputs, ofImages, ofTexts)
  })

  test('prunes the images of image-feature-extraction, pooled or with a row for each patch', async () => {
    await addImages(models, 'dinov2')
    const outputs = await sideBySide({ folder, name: 'dinov2' }, async (name) => {
      const extract = await pipeline('image-feature-extraction', name)
      const { dims, data } = await extract(image)
      return { dims: dims.join(), data: [...data] }
    })
    expectPruned(outputs, [1, 2])
    expect(outputs.pruned.dims).toBe(outputs.dense.dims)
  })

  test('prunes the images of depth-estimation, with a depth for every pixel', async () => {
    await addImages(models, 'depth-anything')
    const outputs = await sideBySide(
      { folder, name: 'depth-anything', plan: { ...half, layers: [0] } },
      async (name) => {
        const estimate = await pipeline('depth-estimation', name)
        const { predicted_depth: depth } = await estimate(image)
        return { dims: depth.dims.join(), data: [...depth.data] }
      },
    )
    expectPruned(outputs, [0])
    expect(outputs.pruned.dims).toBe(outputs.dense.dims)
  })
})

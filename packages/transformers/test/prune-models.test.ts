import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  AutoModelForSequenceClassification,
  env,
  PreTrainedModel,
  pipeline,
  Tensor,
  topk,
} from '@huggingface/transformers'
import type { Plan } from '@tp/compiler'
import { type ModelReport, pruneModels } from '@tp/transformers'
import { addMail, openModelFolder } from 'pipeline-models'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { addLetters } from './models.ts'
import { half, methods } from './plans.ts'
import { expectPruned, sideBySide } from './side-by-side.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()
const folder = models.path
const none: Plan = { format: 1, method: 'none' }
let reports: ModelReport[] = []
const onModel = (report: ModelReport): void => void reports.push(report)
const load = (name = 'mail'): Promise<unknown> => pipeline('text-classification', name)

beforeAll(async () => {
  env.allowRemoteModels = false
  env.localModelPath = `${folder}/`
  for (const name of ['mail', 'some-one/mail']) await addMail(models, name)
})
afterAll(() => models[Symbol.asyncDispose]())
beforeEach(() => {
  reports = []
})

test('gives each model its own plan, and the others the default one or none', async () => {
  const plans = { mail: half, 'some-one/mail': undefined }
  const pruning = pruneModels({ methods, plans, defaultPlan: none, onModel })
  await Promise.all([load('mail'), load('some-one/mail'), load(join(folder, 'mail'))])
  pruning.dispose()
  expect(reports).toHaveLength(2)
  expect(reports).toContainEqual(expect.objectContaining({ model: 'mail', plan: half }))
  expect(reports).toContainEqual(expect.objectContaining({ model: join(folder, 'mail'), plan: none }))
})

test('keeps two pipelines at once apart, one pruned and one not', async () => {
  const texts = ['Cheap watches! Click here to buy', 'The meeting is at ten, see you there']
  const [dense, pruned] = await Promise.all(['some-one/mail', 'mail'].map(outputs))
  const pruning = pruneModels({ methods, plans: { mail: half } })
  const both = await Promise.all(['some-one/mail', 'mail'].map(outputs))
  pruning.dispose()
  expect(dense).toEqual(pruned)
  expect(both[0]).toEqual(dense)
  expect(both[1]).not.toEqual(dense)

  async function outputs(name: string): Promise<unknown> {
    const classify = await pipeline('text-classification', name)
    return Promise.all(texts.map((text) => classify(text)))
  }
})

test('prunes from_pretrained without a pipeline, with 8-bit products', async () => {
  const pruning = pruneModels({ methods, plans: { mail: half }, onModel })
  const { sessions } = await AutoModelForSequenceClassification.from_pretrained('mail', { dtype: 'q8' })
  pruning.dispose()
  expect(reports).toMatchObject([{ outcome: 'pruned', model: 'mail' }])
  expect(sessions.model.config).toEqual({ dtype: 'q8', device: 'cpu' })
})

test('leaves out the layers that a plan says', async () => {
  const plan: Plan = { format: 1, method: 'none', leaveOut: [2, 3] }
  const answer = async (): Promise<number> => {
    const classify = await pipeline('text-classification', 'mail')
    const [found] = await classify('The meeting is at ten, see you there')
    return (found as { readonly score: number }).score
  }
  const whole = await answer()
  const pruning = pruneModels({ methods, plans: { mail: plan }, onModel })
  const shallow = await answer()
  pruning.dispose()
  expect(shallow).not.toBe(whole)
  expect(reports).toMatchObject([{ outcome: 'pruned', plan }])
})

test('stores in 8 bits what a plan says, and rounds a file that is so already by token', async () => {
  const plan: Plan = { ...half, quantize: {} }
  const answer = async (own: Plan): Promise<number> => {
    const pruning = pruneModels({ methods, plans: { mail: own }, onModel })
    const classify = await pipeline('text-classification', 'mail')
    pruning.dispose()
    const [found] = await classify('The meeting is at ten, see you there')
    return (found as { readonly score: number }).score
  }
  const [float, rounded] = [await answer(half), await answer(plan)]
  expect(rounded).not.toBe(float)
  expect(rounded).toBeCloseTo(float, 1)
  expect(reports).toMatchObject([{ outcome: 'pruned' }, { outcome: 'pruned', plan }])
  const pruning = pruneModels({ methods, plans: { mail: plan }, onModel })
  await AutoModelForSequenceClassification.from_pretrained('mail', { dtype: 'q8' })
  pruning.dispose()
  expect(reports[2]).toMatchObject({ outcome: 'pruned' })
})

test('prunes weights in a data file of their own', async () => {
  const from = join(import.meta.dirname, '../../../tools/exported-encoders/fixtures/bert-cls-external')
  await addLetters(
    models,
    'external',
    { model_type: 'bert', architectures: ['BertForSequenceClassification'] },
    {
      'onnx/model.onnx': join(from, 'model.onnx'),
      'onnx/model.onnx.data': join(from, 'model.onnx.data'),
    },
  )
  const outputs = await sideBySide({ folder, name: 'external' }, async (name) => {
    const classify = await pipeline('text-classification', name)
    return classify(['a cat sat on the mat.', 'yes!'], { top_k: 5 })
  })
  expectPruned(outputs, [1])
})

test('does not touch the small graphs of transformers.js itself', async () => {
  const pruning = pruneModels({ methods, defaultPlan: half, onModel })
  const [values] = await topk(new Tensor('float32', [1, 3, 2], [3]), 2)
  pruning.dispose()
  expect(values.tolist()).toEqual([3, 2])
  expect(reports).toEqual([])
})

test('restores everything when the last of several is disposed of, in any order', { tags: 'exhaustive' }, async () => {
  const { InferenceSession } = createRequire(createRequire(import.meta.url).resolve('@huggingface/transformers'))(
    'onnxruntime-node',
  )
  const before = [PreTrainedModel.from_pretrained, InferenceSession.create]
  const first = pruneModels({ methods, plans: { mail: none }, onModel })
  await load()
  const second = pruneModels({ methods, plans: { mail: half }, onModel })
  await load()
  first.dispose()
  await load()
  second.dispose()
  await load()
  expect(reports).toMatchObject([{ plan: none }, { plan: half }, { plan: half }])
  expect([PreTrainedModel.from_pretrained, InferenceSession.create]).toEqual(before)
})

test.each([
  [{ ...half, keep: 'half' }, 'TP_PLAN', /plan for mail.*keep is "half"/],
  [{ ...half, method: 'tome' }, 'TP_PLAN', /there is no method tome/],
  [{ ...half, params: { size: 3 } }, 'TP_OPTION', /size/],
])('refuses %j as a plan', (plan, code, message) => {
  const prune = (): unknown => pruneModels({ methods, plans: { mail: plan as Plan } })
  expect(prune).toThrow(message)
  expect(prune).toThrow(expect.objectContaining({ code }))
})

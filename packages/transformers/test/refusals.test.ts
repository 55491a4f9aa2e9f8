import { execFile } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  AutoModel,
  AutoModelForSeq2SeqLM,
  AutoModelForVision2Seq,
  AutoTokenizer,
  env,
  type PreTrainedModel,
  pipeline,
  RawImage,
  Tensor,
} from '@huggingface/transformers'
import { decodeModel, encodeModel, Graph } from '@tp/onnx'
import { type ModelReport, pruneModels } from '@tp/transformers'
import { languageModel } from 'exported-encoders'
import { addDigits, addMail, openModelFolder } from 'pipeline-models'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { addColumns, addLetters } from './models.ts'
import { half, methods } from './plans.ts'
import { pruneInPlace } from './side-by-side.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()
const folder = models.path
const decoder = encodeModel(languageModel())
const image = new RawImage(
  Uint8ClampedArray.from({ length: 784 }, (_, i) => i % 251),
  28,
  28,
  1,
)

beforeAll(async () => {
  env.allowRemoteModels = false
  env.localModelPath = `${folder}/`
  await addMail(models)
  await addColumns(models)
})
afterAll(() => models[Symbol.asyncDispose]())
afterEach(() => vi.restoreAllMocks())

/** Runs with one plan for every model, and gives what was reported. */
async function withPlan(run: () => Promise<unknown>, plan = half): Promise<ModelReport[]> {
  const reports: ModelReport[] = []
  const pruning = pruneModels({ methods, defaultPlan: plan, onModel: (report) => reports.push(report) })
  await run()
  pruning.dispose()
  return reports
}

test('runs a model without attention unchanged, with one warning that says why', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const run = async (): Promise<unknown> => (await pipeline('image-classification', 'columns'))(image)
  const dense = await run()
  const pruning = pruneModels({ methods, plans: { columns: half } })
  expect(await run()).toEqual(dense)
  expect(await run()).toEqual(dense)
  pruning.dispose()
  expect(warn.mock.calls).toEqual([
    [expect.stringMatching(/^\[transformers\] columns runs as it is, unpruned: .*attention.* \(TP_NO_ATTENTION\)$/)],
  ])
})

test('runs a decoder unchanged', async () => {
  await addLetters(
    models,
    'decoder',
    { model_type: 'gpt2', architectures: ['GPT2Model'] },
    { 'onnx/model.onnx': decoder },
  )
  const run = async (): Promise<unknown> => {
    const read = await pipeline('feature-extraction', 'decoder')
    return [...(await read('a cat.')).data]
  }
  const dense = await run()
  const reports = await withPlan(async () => expect(await run()).toEqual(dense))
  expect(reports).toMatchObject([{ outcome: 'refused', model: 'decoder', code: 'TP_CAUSAL' }])
})

/** A model of two files: an encoder that is there already, and a decoder. */
async function addPair(name: string, config: object): Promise<void> {
  const onnx = join(folder, name, 'onnx')
  await cp(join(onnx, 'model.onnx'), join(onnx, 'encoder_model.onnx'))
  await models.add(name, { 'config.json': config, 'onnx/decoder_model_merged.onnx': decoder })
}

test('prunes an encoder of pixels or frames whose decoder is in another file, and leaves that as it is', async () => {
  await addDigits(models)
  await addDigits(models, 'two-files')
  await addPair('two-files', {
    model_type: 'vision-encoder-decoder',
    architectures: ['VisionEncoderDecoderModel'],
    is_encoder_decoder: true,
    encoder: { model_type: 'vit' },
    decoder: { model_type: 'gpt2' },
  })
  const pixels = new Tensor(
    'float32',
    Float32Array.from({ length: 784 }, (_, i) => (i % 251) / 251),
    [1, 1, 28, 28],
  )
  const logitsOf = async ({ sessions }: PreTrainedModel): Promise<unknown> =>
    (await sessions.model.run({ pixel_values: pixels.ort_tensor })).logits.data
  const dense = await logitsOf(await AutoModelForVision2Seq.from_pretrained('two-files'))
  let pruned: unknown
  await withPlan(async () => {
    pruned = await logitsOf(await AutoModel.from_pretrained('digits-vit'))
  })
  expect(pruned).not.toEqual(dense)
  const reports = await withPlan(async () => {
    const model = await AutoModelForVision2Seq.from_pretrained('two-files')
    expect(await logitsOf(model)).toEqual(pruned)
    expect(model.sessions.decoder_model_merged.outputNames).toEqual(
      new Graph(decodeModel(decoder)).outputs.map(({ name }) => name),
    )
  })
  expect(reports).toMatchObject([{ outcome: 'pruned', model: 'two-files' }])
})

test.each(['auto', 'none'] as const)(
  'runs an encoder of texts and its decoder unchanged, restore %s',
  async (restore) => {
    const name = `texts-${restore}`
    await addMail(models, name)
    await addPair(name, {
      model_type: 'bart',
      architectures: ['BartForConditionalGeneration'],
      is_encoder_decoder: true,
    })
    const { input_ids, attention_mask } = (await AutoTokenizer.from_pretrained('mail'))('Cheap watches and free gifts')
    const run = async (): Promise<unknown> => {
      const { sessions } = await AutoModelForSeq2SeqLM.from_pretrained(name)
      const inputs = { input_ids: input_ids.ort_tensor, attention_mask: attention_mask.ort_tensor }
      return (await sessions.model.run(inputs)).logits.data
    }
    const dense = await run()
    const reports = await withPlan(async () => expect(await run()).toEqual(dense), { ...half, restore })
    expect(reports).toMatchObject([{ outcome: 'refused', model: name, code: 'TP_FILES' }])
  },
)

test('runs a model of several files unchanged that are not an encoder and its decoder', async () => {
  await addMail(models, 'parts')
  const onnx = join(folder, 'parts/onnx')
  for (const part of ['vision_encoder', 'prompt_encoder_mask_decoder'])
    await cp(join(onnx, 'model.onnx'), join(onnx, `${part}.onnx`))
  await models.add('parts', { 'config.json': { model_type: 'sam', architectures: ['SamModel'] } })
  const reports = await withPlan(() => AutoModel.from_pretrained('parts'))
  expect(reports).toMatchObject([{ outcome: 'refused', model: 'parts', code: 'TP_FILES' }])
})

test('refuses a plan that does not fit the model', async () => {
  const reports = await withPlan(() => pipeline('text-classification', 'mail'), { ...half, layers: [1, 6] })
  expect(reports).toMatchObject([
    { outcome: 'refused', code: 'TP_SCHEDULE', reason: expect.stringMatching(/layer 6 does not exist/) },
  ])
})

test('runs a file unchanged that was pruned before', async () => {
  await addMail(models, 'before')
  await pruneInPlace(join(folder, 'before/onnx/model.onnx'), half)
  const run = async (): Promise<unknown> => (await pipeline('text-classification', 'before'))('Cheap watches')
  const once = await run()
  const reports = await withPlan(async () => expect(await run()).toEqual(once))
  expect(reports).toEqual([{ outcome: 'pruned before', model: 'before' }])
})

test('runs the dense model where onnxruntime does not take the pruned file', async () => {
  const run = async (): Promise<unknown> => (await pipeline('text-classification', 'mail'))('Cheap watches')
  const dense = await run()
  const plan = { ...half, method: 'without-kernel' }
  const reports = await withPlan(async () => expect(await run()).toEqual(dense), plan)
  expect(reports).toMatchObject([{ outcome: 'refused', code: 'TP_LOAD', reason: expect.stringMatching(/CumSum/) }])
})

/** The lines of a program that brings its own onnxruntime. */
const ownRuntime = `
  import { createRequire } from 'node:module'
  const require = createRequire(createRequire(import.meta.url).resolve('@huggingface/transformers'))
  const { env: settings, InferenceSession, Tensor } = require('onnxruntime-node')
  const create = InferenceSession.create.bind(InferenceSession)
  globalThis[Symbol.for('onnxruntime')] = { env: settings, Tensor, InferenceSession: { create } }
  const { env, pipeline } = await import('@huggingface/transformers')
  const { pruneModels } = await import('@tp/transformers')
  env.allowRemoteModels = false
  env.localModelPath = process.argv[1]
  const reports = []
  const plan = { format: 1, method: 'none' }
  const { baselines } = await import('@tp/core')
  pruneModels({ methods: baselines, defaultPlan: plan, onModel: (report) => reports.push(report) })
  const classify = await pipeline('text-classification', 'mail', { device: 'auto' })
  console.log(JSON.stringify({ answers: await classify('Cheap watches'), reports }))
`

test('runs models unchanged with an onnxruntime that is out of reach', { tags: 'exhaustive' }, async () => {
  const args = ['--input-type=module', '--eval', ownRuntime, `${folder}/`]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
  expect(JSON.parse(stdout)).toMatchObject({
    answers: [{ label: 'spam' }],
    reports: [{ outcome: 'refused', model: 'mail', code: 'TP_RUNTIME' }],
  })
})

test('fails on a broken file as without pruning', async () => {
  await addMail(models, 'broken')
  await models.add('broken', { 'onnx/model.onnx': Uint8Array.of(1, 2, 3) })
  const problem = await pipeline('text-classification', 'broken').catch(String)
  expect(problem).toMatch(/protobuf/i)
  await withPlan(async () => expect(await pipeline('text-classification', 'broken').catch(String)).toBe(problem))
})

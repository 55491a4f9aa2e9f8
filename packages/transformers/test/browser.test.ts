import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { AutoModelForCausalLM, env, pipeline, RawImage, Tensor } from '@huggingface/transformers'
import { press } from '@tp/compiler'
import { streaming } from '@tp/core'
import { digitsData, mailData, modelPath } from '@tp/models'
import { type ModelReport, pressCaches, pruneModels, startEightBitCaches } from '@tp/transformers'
import { addDigits, addMail, addSpeech, openModelFolder } from 'pipeline-models'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openSite, type PipelineTestSite } from './browser/site.ts'
import { addColumns, addLetters, addLlama, llama } from './models.ts'
import { half, methods } from './plans.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let site: PipelineTestSite
let page: Page

const mails = mailData('test').map(({ text }) => text.slice(0, 500))
const images = digitsData('test')
  .filter((_, i) => i % 100 === 0)
  .map(({ pixels }) => Array.from(pixels, (x) => Math.round(x * 255)))
const external = join(import.meta.dirname, '../../../tools/exported-encoders/fixtures/bert-cls-external')

beforeAll(async () => {
  site = await openSite()
  const folder = join(site.folder, 'models')
  env.allowRemoteModels = false
  env.localModelPath = `${folder}/`
  const models = await openModelFolder(folder)
  for (const add of [addMail, addDigits, addSpeech, addColumns, addLlama]) await add(models)
  await addLetters(
    models,
    'external',
    { model_type: 'bert', architectures: ['BertForSequenceClassification'] },
    { 'onnx/model.onnx': join(external, 'model.onnx'), 'onnx/model.onnx.data': join(external, 'model.onnx.data') },
  )
})
afterAll(() => site?.[Symbol.asyncDispose]())
beforeEach(async () => {
  page = await site.open()
})
afterEach(async () => {
  await page.close()
  expect(site.strangers).toEqual([])
})

type Answers = readonly { readonly label: string; readonly score: number }[]

/** Labels are the same, and scores nearly. */
function expectClose(answers: Answers, others: Answers): void {
  expect(answers.map(({ label }) => label)).toEqual(others.map(({ label }) => label))
  for (const [i, { score }] of answers.entries()) expect(score).toBeCloseTo(others[i]?.score ?? Number.NaN, 4)
}

const devices = [
  { device: 'wasm', texts: mails.slice(0, 6), options: {} },
  // On a processor WebGPU takes seconds for each text.
  { device: 'webgpu', texts: mails.slice(0, 1), options: { tags: 'exhaustive' } },
] as const
for (const { device, texts, options } of devices)
  test(`answers text-classification with ${device} as in Node, dense and pruned`, options, async () => {
    const { dense, pruned, reports } = await page.evaluate(
      async ([texts, device]) => {
        const { pipeline, pruneModels, half, methods } = library
        const reports: unknown[] = []
        const run = async () => {
          const classify = await pipeline('text-classification', 'mail', { device, dtype: 'fp32' })
          return classify(texts)
        }
        const dense = await run()
        pruneModels({ methods, plans: { mail: half }, onModel: (report) => reports.push(report) })
        return { dense, pruned: await run(), reports }
      },
      [texts, device] as const,
    )
    const run = async () => (await pipeline('text-classification', 'mail'))(texts)
    expectClose(dense as Answers, (await run()) as Answers)
    const pruning = pruneModels({ methods, plans: { mail: half } })
    expectClose(pruned as Answers, (await run()) as Answers)
    pruning.dispose()
    expect(reports).toMatchObject([{ outcome: 'pruned', model: 'mail', encoders: [{ cuts: [1, 2] }] }])
    expect(pruned).not.toEqual(dense)
  })

test('takes the 8 bits of a folder that tp has written, without an option for their precision', async () => {
  const cli = join(import.meta.dirname, '../../cli/bin/tp.js')
  const folder = join(site.folder, 'models')
  execFileSync(process.execPath, [cli, 'quantize', 'digits-vit', '-o', 'digits-small'], {
    cwd: folder,
    stdio: 'ignore',
  })
  const small = await page.evaluate(async (images) => {
    const { pipeline, RawImage } = library
    const classify = await pipeline('image-classification', 'digits-small')
    const inputs = images.map((pixels) => new RawImage(Uint8ClampedArray.from(pixels), 28, 28, 1))
    return classify(inputs, { top_k: 1 })
  }, images)
  const classify = await pipeline('image-classification', 'digits-small')
  const inputs = images.map((pixels) => new RawImage(Uint8ClampedArray.from(pixels), 28, 28, 1))
  const here = ((await classify(inputs, { top_k: 1 })) as Answers[]).flat()
  expect((small as Answers[]).flat().map(({ label }) => label)).toEqual(here.map(({ label }) => label))
})

test('generates as in Node, with the last logits alone, a pruned prompt, pressed caches, and caches of 8 bits', {
  tags: 'exhaustive',
}, async () => {
  const pressed = press(llama, { method: streaming({ sinks: 2 }), amount: { kind: 'ratio', value: 0.5 } })
  const prompt = [5, 17, 40, 8, 61, 33, 12, 90, 27, 70, 4, 55]
  interface Library {
    readonly AutoModelForCausalLM: typeof AutoModelForCausalLM
    readonly Tensor: typeof Tensor
    readonly pressCaches: typeof pressCaches
    readonly startEightBitCaches: typeof startEightBitCaches
  }
  /** Runs here and, from its text, in the page. */
  const generate = async (
    { AutoModelForCausalLM, Tensor, pressCaches, startEightBitCaches }: Library,
    prompt: number[],
    press: number[],
  ) => {
    const run = async (name: string, bytes?: number[]): Promise<number[]> => {
      const model = await AutoModelForCausalLM.from_pretrained(name, { dtype: 'fp32' })
      if (bytes) await pressCaches(model, Uint8Array.from(bytes))
      if (name === 'llama-int8') startEightBitCaches(model)
      const inputs = new Tensor('int64', BigInt64Array.from(prompt, BigInt), [1, prompt.length])
      const answer = await model.generate({ inputs, max_new_tokens: 8, do_sample: false, eos_token_id: -1 } as never)
      return (answer as unknown as { tolist(): bigint[][] }).tolist()[0]?.map(Number) ?? []
    }
    const [dense, last, half] = [await run('llama'), await run('llama-last'), await run('llama-half')]
    return { dense, last, half, pressed: await run('llama-last', press), small: await run('llama-int8') }
  }
  const bytes = [...pressed]
  const here = await generate({ AutoModelForCausalLM, Tensor, pressCaches, startEightBitCaches }, prompt, bytes)
  expect(here.dense).toHaveLength(20)
  expect(here.last).toEqual(here.dense)
  expect(here.half).not.toEqual(here.dense)
  expect(here.pressed).not.toEqual(here.dense)
  expect(here.small).toHaveLength(20)
  const inPage = `(${generate})(library, ${JSON.stringify(prompt)}, ${JSON.stringify(bytes)})`
  expect(await page.evaluate(inPage)).toEqual(here)
})

test('runs in a worker', { tags: 'exhaustive' }, async () => {
  const { dense, pruned, reports } = await page.evaluate((text) => library.askWorker(text), mails[0] as string)
  const run = async () => (await pipeline('text-classification', 'mail'))(mails[0] as string)
  expectClose(dense as Answers, (await run()) as Answers)
  const pruning = pruneModels({ methods, defaultPlan: half })
  expectClose(pruned as Answers, (await run()) as Answers)
  pruning.dispose()
  expect(reports).toMatchObject([{ outcome: 'pruned' }])
})

test('caches what was downloaded for remote models, and requests nothing else', { tags: 'exhaustive' }, async () => {
  const { reports, cached, fetchIsBack } = await page.evaluate(async () => {
    const { env, pipeline, pruneModels, half, methods } = library
    await caches.delete(env.cacheKey)
    env.allowLocalModels = false
    env.allowRemoteModels = true
    env.remoteHost = `${location.origin}/`
    env.remotePathTemplate = 'models/{model}/'
    const { fetch } = env
    const reports: ModelReport[] = []
    pruneModels({ methods, defaultPlan: half, onModel: (report) => reports.push(report) })
    for (let time = 0; time < 2; time++) await pipeline('text-classification', 'mail', { dtype: 'fp32' })
    const cache = await caches.open(env.cacheKey)
    const cached = await Promise.all(
      (await cache.keys()).map(async (request) => {
        const bytes = await (await cache.match(request))?.arrayBuffer()
        return [new URL(request.url).pathname, bytes?.byteLength] as const
      }),
    )
    return { reports, cached: Object.fromEntries(cached), fetchIsBack: env.fetch === fetch }
  })
  expect(reports).toMatchObject([{ outcome: 'pruned' }, { outcome: 'pruned' }])
  expect(cached['/models/mail/onnx/model.onnx']).toBe(statSync(modelPath('mail')).size)
  expect(Object.keys(cached).filter((path) => !/^\/(models\/mail|ort)\//.test(path))).toEqual([])
  expect(fetchIsBack).toBe(true)
})

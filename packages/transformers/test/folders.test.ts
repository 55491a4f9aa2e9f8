import { env, pipeline } from '@huggingface/transformers'
import { mailData } from '@tp/models'
import { addMail, addSpeech, openModelFolder, spoken } from 'pipeline-models'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { tpIn } from './command-line.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()
const tp = tpIn(models.path)

beforeAll(async () => {
  env.allowRemoteModels = false
  env.localModelPath = `${models.path}/`
  await addMail(models)
  await addSpeech(models)
})
afterAll(() => models[Symbol.asyncDispose]())

test.each(['fp32', 'q8'] as const)('a pruned folder of texts answers in %s like the file in it', async (dtype) => {
  if (dtype === 'fp32') tp('prune', 'mail', '-o', 'mail-fast', '--method', 'cls-attention', '--keep', '0.5')
  const mails = mailData('test').slice(0, 8)
  const texts = mails.map(({ text }) => text.slice(0, 500))
  const answers = async (name: string): Promise<readonly { label: string; score: number }[]> => {
    const classify = await pipeline('text-classification', name, { dtype })
    return (await classify(texts)) as { label: string; score: number }[]
  }
  const [dense, fast] = [await answers('mail'), await answers('mail-fast')]
  const same = fast.filter(({ label }, i) => label === dense[i]?.label)
  expect(same.length).toBeGreaterThanOrEqual(7)
  // The file of this precision is pruned, too, so that the scores differ a little from those of the dense one.
  expect(fast).not.toEqual(dense)
})

test('a folder in 8 bits loads under its own names', async () => {
  tp('quantize', 'mail', '-o', 'mail-small')
  const text = mailData('test')[0]?.text as string
  const classify = async (name: string): Promise<unknown> => (await pipeline('text-classification', name))(text)
  const [[dense], [small]] = (await Promise.all(['mail', 'mail-small'].map(classify))) as [
    [{ label: string; score: number }],
    [{ label: string; score: number }],
  ]
  expect(small.label).toBe(dense.label)
  expect(small.score).toBeCloseTo(dense.score, 1)
  expect(small.score).not.toBe(dense.score)
})

test('a folder for speech transcribes with its thinned encoder', async () => {
  tp('prune', 'speech', '-o', 'speech-fast', '--method', 'thin-padding')
  const hear = async (name: string): Promise<unknown> => {
    const transcribe = await pipeline('automatic-speech-recognition', name)
    return transcribe(spoken(0.3), { language: 'en', return_timestamps: true })
  }
  expect(await hear('speech-fast')).toEqual(await hear('speech'))
})

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import type { Plan } from '@tp/compiler'
import { guardSpeech, pruneModels, type RepeatReport } from '@tp/transformers'
import { addSpeech, openModelFolder, spoken } from 'pipeline-models'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { tpIn } from './command-line.ts'
import { methods, thin } from './plans.ts'
import { pruneInPlace } from './side-by-side.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()
const tp = tpIn(models.path)

beforeAll(async () => {
  env.allowRemoteModels = false
  env.localModelPath = `${models.path}/`
  await addSpeech(models, 'speech', { loops: true })
})
afterAll(() => models[Symbol.asyncDispose]())

const half: Plan = { format: 1, method: 'stride', keep: 0.5, layers: [0], restore: 'none' }
const WORDS = ' one two three four'

/** The texts of a model for sounds one after another, and where it repeated itself. */
async function written(name: string, plan: Plan, ask = {}, onLoaded = async () => {}) {
  const repeats: RepeatReport['by'][] = []
  const pruning = pruneModels({ methods, plans: { [name]: plan }, onRepeat: ({ by }) => repeats.push(by) })
  const transcribe = await pipeline('automatic-speech-recognition', name, { dtype: 'fp32' })
  pruning.dispose()
  await onLoaded()
  const texts: unknown[] = []
  for (const seconds of [0.3, 0.48, 0.1]) {
    const { text } = await transcribe(spoken(seconds), { language: 'en', ...ask })
    texts.push(text)
  }
  await transcribe.dispose()
  return { texts, repeats }
}

test.each([
  ['as plain text', {}],
  ['with times of segments', { return_timestamps: true }],
  ['with times of words', { return_timestamps: 'word' }],
])('a window in which the decoder repeats itself is decoded by all positions, %s', async (_, ask) => {
  // The second sound fills its window, so that nothing is thinned.
  expect(await written('speech', thin, ask)).toEqual({ texts: [WORDS, WORDS, WORDS], repeats: ['whole', 'whole'] })
})

test('an encoder that thins padding needs no other file for that', async () => {
  await addSpeech(models, 'gone', { loops: true })
  const gone = () => rm(join(models.path, 'gone'), { recursive: true })
  expect(await written('gone', thin, {}, gone)).toMatchObject({ texts: [WORDS, WORDS, WORDS] })
})

test('the dense model decodes what an encoder repeats itself over that prunes other positions, too', async () => {
  expect(await written('speech', half)).toEqual({
    texts: [WORDS, WORDS, WORDS],
    repeats: ['whole', 'whole', 'whole'],
  })
})

test('a folder that was pruned beforehand keeps all positions where it thins padding', async () => {
  tp('prune', 'speech', '-o', 'thinned', '--method', 'thin-padding')
  expect(await written('thinned', thin)).toEqual({ texts: [WORDS, WORDS, WORDS], repeats: ['whole', 'whole'] })
})

test('a folder that was pruned beforehand in another way says that a text repeats itself', async () => {
  await addSpeech(models, 'halved', { loops: true })
  await pruneInPlace(join(models.path, 'halved/onnx/encoder_model.onnx'), half)
  const { texts, repeats } = await written('halved', half)
  expect(repeats).toEqual(['none', 'none', 'none'])
  // It ends where that is certain.
  expect(texts[0]).toBe(`${WORDS.repeat(2)} one two`)
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const pruning = pruneModels({ methods, plans: { halved: half } })
  const transcribe = await pipeline('automatic-speech-recognition', 'halved', { dtype: 'fp32' })
  pruning.dispose()
  await transcribe(spoken(0.3), { language: 'en' })
  expect(warn.mock.calls.flat().filter((line) => String(line).includes('TP_REPEATS'))).toHaveLength(1)
  warn.mockRestore()
})

test('a guard that judges how likely a text is sees that of the whole encoder', async () => {
  const pruning = pruneModels({ methods, plans: { speech: thin } })
  const transcribe = await pipeline('automatic-speech-recognition', 'speech', { dtype: 'fp32' })
  pruning.dispose()
  guardSpeech(transcribe, { logProbability: -0.5, temperatures: [0] })
  expect(await transcribe(spoken(0.3), { language: 'en' })).toMatchObject({ text: WORDS })
})

import { env, pipeline } from '@huggingface/transformers'
import { guardSpeech, type SpeechGuards } from '@tp/transformers'
import { addSpeech, openModelFolder, spoken } from 'pipeline-models'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()

beforeAll(async () => {
  env.allowRemoteModels = false
  env.localModelPath = `${models.path}/`
  await addSpeech(models)
})
afterAll(() => models[Symbol.asyncDispose]())

/** The text of a model that says “one two three four” to everything, and how often it was decoded. */
async function transcribed(guards?: SpeechGuards, ask = {}): Promise<{ text: string; words: unknown; runs: number }> {
  const transcribe = await pipeline('automatic-speech-recognition', 'speech', { dtype: 'fp32' })
  let runs = 0
  const { model } = transcribe
  const generate = model.generate.bind(model)
  model.generate = (...args) => {
    runs += 1
    return generate(...args)
  }
  const undo = guards && guardSpeech(transcribe, guards)
  const { text, chunks } = await transcribe(spoken(0.3), { language: 'en', ...ask })
  undo?.()
  return { text, words: chunks, runs }
}

test('a text within the limits is decoded once, and is the same', async () => {
  expect(await transcribed({})).toEqual(await transcribed())
  const words = { return_timestamps: 'word' }
  expect(await transcribed({}, words)).toEqual(await transcribed(undefined, words))
})

test('a text beyond a limit is decoded at each temperature', async () => {
  const { runs } = await transcribed({ compressionRatio: 0.1 })
  expect(runs).toBe(6)
  expect((await transcribed({ logProbability: 0.1, temperatures: [0, 0.5] })).runs).toBe(2)
  expect((await transcribed({ compressionRatio: 0.1, temperatures: [0] })).text).toBe((await transcribed()).text)
})

test('a text is left empty where nobody speaks, also with the times of words', async () => {
  const silence = { noSpeech: -1, logProbability: 0.1 }
  expect(await transcribed(silence)).toMatchObject({ text: '', runs: 1 })
  expect(await transcribed(silence, { return_timestamps: 'word' })).toMatchObject({ text: '', words: [], runs: 1 })
})

test('other pipelines and limits that are not numbers are refused', async () => {
  expect(() => guardSpeech({})).toThrow(expect.objectContaining({ code: 'TP_MODEL' }))
  const transcribe = await pipeline('automatic-speech-recognition', 'speech', { dtype: 'fp32' })
  expect(() => guardSpeech(transcribe, { ratio: 2 } as never)).toThrow(/there is no guard ratio/)
  expect(() => guardSpeech(transcribe, { temperatures: [] })).toThrow(/give a list of numbers/)
  expect(() => guardSpeech(transcribe, { noSpeech: '1' as never })).toThrow(/give a number/)
})

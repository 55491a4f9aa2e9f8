import { join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import type { Plan } from '@tp/compiler'
import { encodeModel } from '@tp/onnx'
import { type ModelReport, pruneModels } from '@tp/transformers'
import { speechEncoder } from 'exported-encoders'
import { addSpeech, openModelFolder, spoken } from 'pipeline-models'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { methods, thin, thinStates } from './plans.ts'
import { pruneInPlace } from './side-by-side.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()

beforeAll(async () => {
  env.allowRemoteModels = false
  env.localModelPath = `${models.path}/`
  await addSpeech(models)
})
afterAll(() => models[Symbol.asyncDispose]())

const half: Plan = { format: 1, method: 'stride', keep: 0.5, layers: [0], restore: 'none' }

type Words = readonly { readonly text: string; readonly timestamp: readonly [number, number] }[]

/** The words of sounds, and the time of each, of one model at the same time. */
async function words(
  name: string,
  sounds: readonly Float32Array[],
  plan?: Plan,
  windows = {},
  reports: ModelReport[] = [],
): Promise<Words[]> {
  const plans = { [name]: plan }
  const pruning = pruneModels({ methods, plans, onModel: (report) => reports.push(report) })
  const transcribe = await pipeline('automatic-speech-recognition', name, { dtype: 'fp32' })
  pruning.dispose()
  expect(reports.map(({ outcome }) => outcome)).not.toContain('refused')
  const ask = { language: 'en', return_timestamps: 'word', ...windows } as const
  return Promise.all(sounds.map(async (sound) => (await transcribe(sound, ask)).chunks as unknown as Words))
}

/** The same words, and no beginning or end is farther away than so many seconds. */
function expectNear(actual: Words | undefined, expected: Words | undefined, seconds: number): void {
  expect(actual?.map(({ text }) => text)).toEqual(expected?.map(({ text }) => text))
  for (const [i, { timestamp }] of (actual ?? []).entries())
    for (const [end, time] of timestamp.entries())
      expect(Math.abs(time - (expected?.[i]?.timestamp[end] as number))).toBeLessThan(seconds + 1e-6)
}

test.each([
  ['padding is thinned', thin, 0.02],
  ['padding is thinned, and its states are left out', thinStates, 0.02],
  ['half of the positions are pruned', half, 0.02],
  ['half of them are pruned and restored', { ...half, restore: 'auto' } as const, 0.02],
])('words begin and end when they do in the dense model where %s', async (_, plan, seconds) => {
  const sound = spoken(0.3)
  const [dense] = await words('speech', [sound])
  expect(dense?.map(({ text }) => text)).toEqual([' one', ' two', ' three', ' four'])
  expect(dense?.at(-1)?.timestamp[0]).toBeGreaterThan(0.2)
  const [pruned] = await words('speech', [sound], plan)
  expectNear(pruned, dense, seconds)
})

test('a decoder weighs what is kept by default, and gets restored rows where it cannot', async () => {
  await addSpeech(models, 'unable', { states: 24, numbered: true })
  const [weighed, restored]: [ModelReport[], ModelReport[]] = [[], []]
  const sounds = [spoken(0.3)]
  const [own] = await words('speech', sounds, thin, {}, weighed)
  await words('unable', sounds, thin, {}, restored)
  expect(weighed).toMatchObject([{ outcome: 'pruned', plan: { restore: 'weighed' } }])
  expect(restored).toMatchObject([{ outcome: 'pruned', plan: { restore: 'auto' } }])
  // Each position has its share of the weight of the row that stands for it.
  expectNear(own, (await words('speech', sounds, { ...thin, restore: 'auto' }))[0], 0)
})

test('a sound that is longer than the window has the same words, each window thinned for itself', async () => {
  const windows = { chunk_length_s: 0.48, stride_length_s: 0.1 }
  const sounds = [spoken(1.1)]
  const [dense] = await words('speech', sounds, undefined, windows)
  const [pruned] = await words('speech', sounds, thin, windows)
  expect(dense?.length).toBeGreaterThan(4)
  expect(pruned?.map(({ text }) => text)).toEqual(dense?.map(({ text }) => text))
})

test('a file that was pruned before has the same times', async () => {
  await addSpeech(models, 'before')
  await pruneInPlace(join(models.path, 'before/onnx/encoder_model.onnx'), half)
  const sounds = [spoken(0.3)]
  expect(await words('before', sounds, half)).toEqual(await words('speech', sounds, half))
})

test('an encoder that was exported with its attentions is pruned without them', async () => {
  await addSpeech(models, 'attentions')
  const encoder = speechEncoder({ reads: 'frames', sinusoids: true, attentions: true })
  await models.add('attentions', { 'onnx/encoder_model.onnx': encodeModel(encoder) })
  const sounds = [spoken(0.3)]
  expect(await words('attentions', sounds, half)).toEqual(await words('speech', sounds, half))
})

test('a decoder that was exported for all states is made to read fewer', async () => {
  await addSpeech(models, 'fixed', { states: 24 })
  const sounds = [spoken(0.3)]
  expect(await words('fixed', sounds, half)).toEqual(await words('speech', sounds, half))
})

test('a decoder that has a number for each state gets all of them: pruned positions are restored', async () => {
  await addSpeech(models, 'numbered', { states: 24, numbered: true })
  const sounds = [spoken(0.3)]
  expect(await words('numbered', sounds, half)).toEqual(await words('speech', sounds, { ...half, restore: 'auto' }))
})

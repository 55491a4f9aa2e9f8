import { TpError } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import { runExamples } from './run-examples.ts'

/** Recordings of these lengths. */
const samples = [40, 100]
const inputs: ModelInputs = {
  ...{ source: 'recordings', targets: [0, 0], lengths: undefined, preparationMs: undefined, notes: [] },
  feeds: async ([position = 0]) => {
    const dims = [1, samples[position] as number]
    return { audio: { type: 'float32', dims, data: new Float32Array(dims[1] as number) } }
  },
}

/** A model of a token for each sample that keeps half of them from layer 1 on. */
function session(isTraced: boolean): Session {
  const run = async ({ audio }: NamedTensors): Promise<NamedTensors> => {
    const kept = (audio?.dims[1] as number) / 2
    const valid = { type: 'bool', dims: [1, kept], data: new Uint8Array(kept).fill(1) }
    return isTraced ? { 'tp.trace.1.valid': valid, 'tp.trace.1.indices': valid } : {}
  }
  const audio = { name: 'audio', type: 'float32', dims: ['batch', 'samples'] }
  return { inputs: [audio], outputs: [], run } as unknown as Session
}

test('counts the kept tokens of recordings of any length by the sizes of their inputs', async () => {
  const options = { layerCount: 3, tokens: 'samples' }
  const { kept } = await runExamples(session(true), inputs, options, () => {})
  expect(kept?.layers).toEqual([1, 0.5, 0.5])
})

test('does not say how many tokens are kept of a number that is not known', async () => {
  expect((await runExamples(session(true), inputs, { layerCount: 3 }, () => {})).kept).toBeUndefined()
  const { kept } = await runExamples(session(false), inputs, { layerCount: 3 }, () => {})
  expect(kept?.layers).toEqual([1, 1, 1])
})

test('names the recording that a model cannot be run on', async () => {
  const failing = { ...session(false), run: () => Promise.reject(new TpError('TP_RUN', 'runtime', 'too short')) }
  const named = { ...inputs, keys: ['a.wav', 'b.wav'] }
  await expect(runExamples(failing, named, {}, () => {})).rejects.toThrow('a.wav: [runtime] too short')
})

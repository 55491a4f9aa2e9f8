import { inspect, prune, transform } from '@tp/compiler'
import { type MethodEntry, stride } from '@tp/core'
import type { SpeechInputs } from '@tp/data'
import { methods } from '@tp/method-hybrid'
import { nodeRuntime } from '@tp/runtime-node'
import { runModel, speech, speechEncoder, speechSizes } from 'exported-encoders'
import { expect, test } from 'vitest'
import { namedVariant } from '../search/candidate.ts'
import { strengthsOf } from './speech-candidates.ts'

const { mels, frames, tokens } = speechSizes
const model = speechEncoder({ reads: 'frames' })
const clips = [48, 40, 48, 44].map((loud, seed) => ({
  input_features: { type: 'float32', dims: [1, mels, frames], data: speech('frames', [loud], seed + 1) } as const,
}))

/** Four recordings of noise. */
const inputs: SpeechInputs = {
  source: 'clips',
  texts: clips.map(() => 'one'),
  targets: clips.map(() => -1),
  lengths: undefined,
  preparationMs: undefined,
  keys: clips.map((_, i) => i),
  notes: [],
  seconds: async () => 0.48,
  feeds: async ([position = 0]) => clips[position] ?? {},
}

const entryOf = (name: string): MethodEntry => methods.find((entry) => entry.name === name) as MethodEntry

async function strengths(entry: MethodEntry, params?: Record<string, boolean>) {
  const found = inspect(model)
  if (!found.ok) throw new Error(found.refusal.message)
  const variant = namedVariant({ entry, ...(params && { params }) }, [])
  return await strengthsOf(variant, found, {
    ...{ model, inputs, variants: [], runtime: nodeRuntime() },
    decoder: { transcribe: async () => 'one' },
  })
}

test.each([
  [{}, 0.5],
  [{ runs: true }, 0.7],
])('thresholds for a-tome %j merge about a tenth, two tenths … of the tokens', async (params, most) => {
  const row = await strengths(entryOf('a-tome'), params)
  expect(row.length).toBeGreaterThan(3)
  const merged: number[] = []
  for (const { plan } of row) {
    const [layer = 0] = plan.layers as readonly number[]
    const schedule = new Map([[layer, { kind: 'threshold', value: [plan.threshold].flat()[0] } as const]])
    const method = entryOf('a-tome').create(params)
    const result = transform(model, prune({ method, schedule: schedule as never, restore: 'none' }))
    let kept = 0
    for (const feeds of clips) kept += (await runModel(result.model, feeds)).last_hidden_state?.dims[1] as number
    merged.push(1 - kept / (tokens * clips.length))
  }
  expect(merged).toEqual(merged.toSorted((a, b) => a - b))
  for (const [i, share] of merged.entries()) expect(Math.abs(share - (i + 1) / 10)).toBeLessThan(0.05)
  expect(merged.at(-1)).toBeLessThanOrEqual(most + 0.05)
})

test('a method that needs no amount has one strength, and others rising ones at the first layer', async () => {
  expect(await strengths(entryOf('thin-padding'))).toEqual([
    { name: 'thin-padding', plan: { format: 1, method: 'thin-padding' } },
  ])
  const dropping: MethodEntry = { ...entryOf('a-tome'), name: 'stride', create: () => stride() }
  const keeps = (await strengths(dropping)).map(({ plan }) => [plan.layers, plan.keep])
  expect(keeps).toEqual([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3].map((keep) => [[0], [keep]]))
})

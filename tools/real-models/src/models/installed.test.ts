import { readFileSync } from 'node:fs'
import { embed } from '@tp/compare'
import { inspect, prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { prepareInputs, readModelFolder } from '@tp/data'
import { textDataset } from '@tp/data/inputs'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { modelFolder, realModel } from '../cache.ts'
import { realModelNames, realModels } from './published.ts'

const texts = ['A man is playing a guitar.', 'Someone plays an instrument.', 'The stock market fell on Tuesday.']

describe.each(realModelNames)('%s', (name) => {
  const path = realModel(name)
  if (path === undefined) {
    test.skip(`loads (skipped: ${modelFolder(name)} is missing; npm run models puts it there)`, () => {})
    return
  }

  test('loads', { tags: 'exhaustive' }, async () => {
    await using session = await nodeRuntime().load(path, { threads: 1 })
    expect(session.inputs.length).toBeGreaterThan(0)
  })

  if (realModels[name].form !== 'feature-extraction') return

  test('finds sentences alike that mean the same', { tags: 'exhaustive' }, async () => {
    await using session = await nodeRuntime().load(path, { threads: 1 })
    const dataset = textDataset(
      'sentences',
      texts.map((text) => ({ text, label: 0 })),
    )
    const { vectors } = await embed(session, await prepareInputs(dataset, session.inputs, await readModelFolder(path)))
    const [guitar, instrument, market] = vectors as [Float64Array, Float64Array, Float64Array]
    expect(dot(guitar, instrument)).toBeGreaterThan(0.5)
    expect(dot(guitar, market)).toBeLessThan(0.2)
  })

  test('gives the same vectors pruned, with tokens restored as outputs need it or not', {
    tags: 'exhaustive',
  }, async () => {
    const model = decodeModel(readFileSync(path))
    const dataset = textDataset(
      'sentences',
      texts.map((text) => ({ text, label: 0 })),
    )
    const [restored, compact] = await Promise.all(
      (['auto', 'none'] as const).map(async (restore) => {
        const seen = inspect(model)
        if (!seen.ok) throw new Error(seen.refusal.message)
        const amounts = schedule(seen.layers.length, { keep: 0.7 })
        const pruned = transform(model, prune({ method: receivedAttention(), schedule: amounts, restore }))
        await using session = await nodeRuntime().load(encodeModel(pruned.model), { threads: 1 })
        const inputs = await prepareInputs(dataset, session.inputs, await readModelFolder(path))
        return (await embed(session, inputs)).vectors
      }),
    )
    for (const [i, vector] of (restored ?? []).entries())
      expect(dot(vector, compact?.[i] as Float64Array)).toBeGreaterThan(1 - 1e-6)
  })
})

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
}

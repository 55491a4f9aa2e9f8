import { embed, prepareInputs, readModelFolder } from '@tp/eval'
import { textDataset } from '@tp/eval/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { modelFolder, realModel } from './model-cache.ts'
import { realModelNames, realModels } from './real-model.ts'

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
})

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
}

import { readFileSync } from 'node:fs'
import { type AnswerNearness, evaluate } from '@tp/compare'
import { quantize, transform } from '@tp/compiler'
import { imageDataset, imageInputs } from '@tp/data/inputs'
import { divergences } from '@tp/metrics'
import { digitsData, embeddedModel, modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { quantizeWithin } from './quantize-within.ts'

const model = decodeModel(readFileSync(modelPath('digits-vit')))
const { normalization } = embeddedModel('digits-vit')
const runtime = nodeRuntime()
const digits = imageDataset(
  'digits',
  { channels: 1, height: 28, width: 28 },
  digitsData('test').filter((_, i) => i % 120 === 0),
)

/** How far digits are classified from as before. Similarity is a smooth one here, so that every node counts. */
const compare = await comparison()

async function comparison(): Promise<(model: Model) => Promise<AnswerNearness>> {
  await using dense = await runtime.load(modelPath('digits-vit'), { threads: 1 })
  const inputs = await imageInputs(digits, dense.inputs, {
    normalization: normalization && { mean: [normalization.mean], std: [normalization.std] },
  })
  const before = await evaluate(dense, inputs)
  return async (request) => {
    await using session = await runtime.load(encodeModel(request), { threads: 1 })
    const far = divergences(before, await evaluate(session, inputs))
    const divergence = far.reduce((sum, each) => sum + each, 0) / far.length
    return { similarity: Math.exp(-divergence), divergence }
  }
}

function quantized(exclude: readonly string[]): Model {
  const result = transform(model, quantize({ exclude }))
  return result.model
}

test('quantizes all of a model whose answers remain near enough, and tries no node alone', async () => {
  const steps: string[] = []
  const found = await quantizeWithin({ model, within: 0.5, compare, onProgress: ({ step }) => steps.push(step) })
  expect(found.floats).toEqual([])
  expect(steps).toEqual(['whole'])
  expect(encodeModel(found.model)).toEqual(encodeModel(quantized([])))
})

test('where all of it is too much, leaves as few nodes in float32 as suffice, those that move the answers most', {
  tags: 'exhaustive',
}, async () => {
  const whole = (await compare(quantized([]))).similarity
  const within = whole + 0.7 * (1 - whole)
  const { floats, nearness, nodes } = await quantizeWithin({ model, within, compare })
  expect(nearness.similarity).toBeGreaterThanOrEqual(within)
  expect(floats.length).toBeGreaterThan(0)
  expect(floats.length + nodes.length).toBe(37)
  const names = floats.map(({ name }) => name)
  expect((await compare(quantized(names.slice(0, -1)))).similarity).toBeLessThan(within)
  const divergences = floats.map(({ divergence }) => divergence)
  expect(divergences).toEqual(divergences.toSorted((a, b) => b - a))
})

test('refuses a similarity above 1', async () => {
  await expect(quantizeWithin({ model, within: 99, compare })).rejects.toMatchObject({ code: 'TP_OPTION' })
})

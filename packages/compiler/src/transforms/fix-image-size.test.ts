import { readFileSync } from 'node:fs'
import { methodEntry, none } from '@tp/core'
import { modelPath } from '@tp/models'
import { decodeModel, Graph, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { dataSets, fixture, openFixture } from '../../test/fixtures.ts'
import { difference, numbers, run } from '../../test/run.ts'
import { fixImageSize, transform, transformsOf } from '../index.ts'

const methods = [methodEntry(none, 'nothing')]

function countNodes(model: Model): number {
  return new Graph(model).nodes.length
}

/** Of these two the second resizes its position embeddings in every run. */
describe.each(['vit-cls-optimum', 'dinov2-optimum'])('%s, which takes images of any size', (name) => {
  const own = fixture(name)
  const model = openFixture(own)
  const [set] = dataSets(own)
  const [height, width] = (set?.inputs.pixel_values?.dims ?? []).slice(2)
  const sized = (imageSize?: string): Model => {
    const plan = { format: 1, method: 'none', ...(imageSize && { imageSize }) } as const
    return transform(model, ...transformsOf(plan, methods)).model
  }

  test('gives the same for images of one size, and writes down what the size alone decides', async () => {
    const fixed = sized(`${height}x${width}`)
    const results = await run(fixed, set?.inputs ?? {})
    for (const [output, expected] of Object.entries(set?.outputs ?? {}))
      expect(difference(numbers(results[output]), numbers(expected))).toBeLessThan(1e-5)
    expect(new Graph(fixed).inputs[0]?.dims?.slice(2)).toEqual([height, width])
    const fewer = countNodes(sized()) - countNodes(fixed)
    expect(fewer).toBeGreaterThanOrEqual(name === 'dinov2-optimum' ? 20 : 0)
  })

  test('refuses images of another size then, and another size for them', () => {
    const fixed = transform(model, fixImageSize({ imageSize: `${height}x${width}` })).model
    expect(() => transform(fixed, fixImageSize({ imageSize: `${height}x${(width ?? 0) * 2}` }))).toThrow(
      expect.objectContaining({ code: 'TP_INPUT', message: expect.stringContaining('already') }),
    )
  })
})

test.each(['224', '0x224', '224x', 224])('refuses %j as a size', (imageSize) => {
  expect(() => fixImageSize({ imageSize } as never)).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
})

test('refuses a model of texts', () => {
  const mail = decodeModel(readFileSync(modelPath('mail')))
  expect(() => transform(mail, fixImageSize({ imageSize: '224x224' }))).toThrow(
    expect.objectContaining({ code: 'TP_INPUT', message: expect.stringContaining('input_ids') }),
  )
})

import { Graph } from '@tp/onnx'
import { expect, test } from 'vitest'
import { quantize, transform, unrounded, withExactProducts } from '../src/index.ts'
import { dataSets, fixture, openFixture } from './fixtures.ts'
import { difference, numbers, run } from './run.ts'

test.each(['albert-cls-eager-ts14', 'bert-cls-ortfused', 'bert-tok-eager-ts14', 'vit-cls-sdpa-ts17'])(
  'answers as its source does without rounding, and nearly so with exact products: %s',
  async (name) => {
    const source = openFixture(fixture(name))
    const { model } = transform(source, quantize())
    const [{ inputs } = { inputs: {} }] = dataSets(fixture(name))
    const before = await run(source, inputs)
    for (const [made, most] of [
      [unrounded(model, source), 2e-5],
      [withExactProducts(model), 0.2],
    ] as const) {
      if (made === undefined) throw new Error('an operator has no formula')
      const types = new Graph(made).nodes.map(({ opType }) => opType)
      expect(types.filter((type) => /Integer|QAttention/.test(type))).toEqual([])
      const after = await run(made, inputs)
      for (const [output, tensor] of Object.entries(before)) {
        expect(difference(numbers(tensor), numbers(after[output]))).toBeLessThan(most)
      }
    }
  },
)

test('8-bit weights that are not the rounded ones of the source are refused', () => {
  const source = openFixture(fixture('bert-tok-eager-ts14'))
  const { model } = transform(source, quantize())
  const tensor = model.proto.graph?.initializer.find(({ name }) => name.endsWith('_quantized'))
  if (tensor === undefined) throw new Error('nothing is in 8 bits')
  tensor.rawData = tensor.rawData.map((byte, i) => (i === 5 ? byte ^ 2 : byte))
  expect(() => unrounded(model, source)).toThrow(/are not those of the source, rounded/)
})

import { Graph, type Model } from '@tp/onnx'
import { lessPrecision } from 'exported-encoders'
import { expect, test } from 'vitest'
import { inFloats, quantize, transform } from '../src/index.ts'
import { exactHere } from './exact-sums.ts'
import { dataSets, fixture, openFixture } from './fixtures.ts'
import { difference, numbers, open, run } from './run.ts'
import { mailModel, plainRow, runRows } from './texts.ts'

/** Nodes that round activations, or multiply what is rounded. */
function rounding(model: Model): string[] {
  const types = new Graph(model).nodes.map(({ opType }) => opType)
  return types.filter((type) => /Integer$|QAttention|DynamicQuantizeLinear|^QuantizeLinear/.test(type))
}

test.each(['bert-cls-int8dyn', 'electra-cls-int8', 'distilbert-cls-int8', 'vit-cls-int8dyn'])(
  'products compute in floats, near to what is rounded: %s',
  async (name) => {
    const source = openFixture(fixture(name))
    const floats = inFloats(source)
    expect([rounding(source).length > 0, rounding(floats)]).toEqual([true, []])
    const [{ inputs } = { inputs: {} }] = dataSets(fixture(name))
    const [before, after] = [await run(exactHere(source), inputs), await run(floats, inputs)]
    for (const [output, tensor] of Object.entries(before)) {
      const far = difference(numbers(tensor), numbers(after[output]))
      expect([far > 0, far < 0.1]).toEqual([true, true])
    }
  },
)

const { model: dense, texts } = mailModel(6, 40)

test.each<[string, Model]>([
  ['rounded by tensor', lessPrecision(dense, 'dynamic int8')],
  ['between QuantizeLinear and DequantizeLinear', lessPrecision(dense, 'QDQ')],
  ['by quantize, with a scale for each token', transform(dense, quantize()).model],
  ['by quantize, with a scale for all tokens', transform(dense, quantize({ activations: 'tensor' })).model],
])('a classifier in 8 bits gives nearly the answers of the one in float32: %s', async (_, source) => {
  const floats = inFloats(source)
  expect([rounding(source).length > 0, rounding(floats)]).toEqual([true, []])
  const logitsOf = async (model: Model): Promise<number[]> => {
    await using session = await open(model)
    const found = await runRows(session, texts.map(plainRow), 40)
    return found.flatMap(({ logits }) => logits)
  }
  expect(difference(await logitsOf(floats), await logitsOf(dense))).toBeLessThan(0.1)
})

test('fused attention of 8 bits becomes a product and its heads', () => {
  const { model } = transform(openFixture(fixture('vit-cls-ortfused')), quantize({ activations: 'tensor' }))
  expect([rounding(model).includes('QAttention'), rounding(inFloats(model))]).toEqual([true, []])
})

test('a model in floats is returned as it is', () => {
  expect(inFloats(dense)).toBe(dense)
})

import { concat, constant, gather, matmul, swapLast, type Tensor } from '@tp/core'
import { decodeModel, emitModel, Graph, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { headWeights } from '../src/index.ts'
import { logitsOf, type TestEncoderOptions } from './encoders.ts'
import { fixtures, openFixture } from './fixtures.ts'

function namesOf(model: Model, encoder?: string): string[] {
  const found = headWeights(model, encoder === undefined ? {} : { encoder })
  if (!found.ok) throw new Error(found.refusal.message)
  return [...found.names].sort()
}

describe('exported encoders', () => {
  // Quantized weights do not learn.
  const quantized = /int8|qdq|4bit/
  const classifiers = fixtures.filter(
    ({ name, facts }) => facts.prunable && /^(bert|vit|distilbert|electra)-cls/.test(name) && !quantized.test(name),
  )

  test.each(classifiers.map((fixture) => [fixture.name, fixture] as const))('%s', (_, fixture) => {
    const model = openFixture(fixture)
    const names = namesOf(model)
    // Exporters call folded weights by numbers (val_5).
    const known = /classifier|pooler|vit\.layernorm|^(val_|_v_|onnx::)\w+$/
    expect(names.filter((name) => !known.test(name))).toEqual([])
    expect(names.some((name) => name.includes('classifier'))).toBe(true)
    const all = new Graph(model).initializers.map(({ name }) => name)
    const head = all.filter((name) => /(^|\.)(classifier|pooler|pre_classifier)\./.test(name))
    expect(names).toEqual(expect.arrayContaining(head))
  })
})

const text: TestEncoderOptions = {
  ...{ layerCount: 2, heads: 2, headDim: 4, norm: 'pre', mask: 'added', pooling: 'cls' },
  ...{ opset: 17, seed: 1, prefix: 'text_' },
}
const table = (): Tensor =>
  constant(
    Array.from({ length: 24 }, (_, i) => i / 9),
    'float32',
    [3, 8],
  )

describe('weights of the head', () => {
  /** Classes computed with a table, and other outputs. */
  const withTable = (others: (words: Tensor) => Record<string, Tensor>): Model => {
    const words = table()
    const head = (state: Tensor): Tensor => matmul(gather(state, constant(0, 'int64'), 1), swapLast(words))
    return decodeModel(emitModel({ logits: logitsOf({ ...text, head }), ...others(words) }))
  }
  const sized = (model: Model): string[] => {
    const names = namesOf(model)
    const tables = new Graph(model).initializers.filter(({ dims }) => dims.map(Number).join() === '3,8')
    return tables.map(({ name }) => name).filter((name) => names.includes(name))
  }

  test('finds the weights that the head alone reads, even transposed', () => {
    expect(sized(withTable(() => ({})))).toHaveLength(1)
  })

  test('do not include a table of an output that does not read the encoder', () => {
    const others = (words: Tensor) => ({ table: concat([words, words], 0) })
    expect(sized(withTable(others))).toHaveLength(0)
  })
})

test('refuses a model without layers', () => {
  const words = table()
  const found = headWeights(decodeModel(emitModel({ logits: matmul(words, swapLast(words)) })))
  expect(found).toMatchObject({ ok: false, refusal: { code: expect.stringMatching(/^TP_/) } })
})

import { schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { clsAttention } from '@tp/method-attention'
import { createModel, createNode, Graph, type Model, type NodeProto } from '@tp/onnx'
import { lessPrecision } from 'exported-encoders'
import { expect, test } from 'vitest'
import { prune, type QuantizeOptions, quantize, roundsByBatch, transform } from '../src/index.ts'
import { exactHere, reduceRange } from './exact-sums.ts'
import { dataSets, fixture, openFixture } from './fixtures.ts'
import { difference, float32, numbers, open, rows, run, runOnEach } from './run.ts'
import { mailModel, plainRow, runRows } from './texts.ts'

/** Of tensors. */
const [UINT8, INT8] = [2, 3]

function quantized(model: Model, options: QuantizeOptions = {}) {
  const { model: result, reports } = transform(model, quantize({ reduceRange, ...options }))
  return { ...reports[0], model: result }
}

/** 8-bit tensors of a file, by what is in them. */
function bytesOf(model: Model): string[] {
  const graph = new Graph(model)
  const ofBytes = graph.initializers.filter(
    ({ dataType, dims }) => (dataType === UINT8 || dataType === INT8) && dims.length > 1,
  )
  return ofBytes.map(({ rawData }) => Buffer.from(rawData).toString('base64')).sort()
}

const operators = (model: Model): string[] => new Graph(model).nodes.map(({ opType }) => opType)

test.each(['bert-cls-int8dyn', 'electra-cls-int8', 'distilbert-cls-int8', 'vit-cls-int8dyn'])(
  'keeps the weights of a file of quantize_dynamic, and gives each example the same bits alone and in a batch: %s',
  async (name) => {
    const source = openFixture(fixture(name))
    const { model, nodes, keepsWeights } = quantized(source)
    expect([roundsByBatch(source), roundsByBatch(model), keepsWeights]).toEqual([true, false, true])
    expect(nodes).toHaveLength(operators(source).filter((type) => type === 'MatMulInteger').length)
    expect(bytesOf(model)).toEqual(bytesOf(source))
    for (const { inputs } of dataSets(fixture(name)).slice(0, 1)) {
      const [[whole, ...alone], before] = [
        await runOnEach(exactHere(model), [inputs, ...examplesOf(inputs)]),
        await run(exactHere(source), inputs),
      ]
      for (const [output, tensor] of Object.entries(whole ?? {})) {
        expect(alone.flatMap((each) => rows(each[output]))).toEqual(rows(tensor))
        const far = difference(numbers(tensor), numbers(before[output]))
        expect([far > 0, far < 0.1]).toEqual([true, true])
      }
    }
  },
)

/** Each example of a batch, alone. */
function examplesOf(inputs: NamedTensors): NamedTensors[] {
  const count = Object.values(inputs)[0]?.dims[0] ?? 0
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, { type, dims, data }]) => {
        const size = data.length / count
        return [name, { type, dims: [1, ...dims.slice(1)], data: data.slice(i * size, (i + 1) * size) }]
      }),
    ),
  ) as NamedTensors[]
}

test('computes what the float32 file in 8 bits by token does, with the same bits in any batch', async () => {
  const { model: dense, texts } = mailModel(24, 60)
  const byTensor = quantized(dense, { activations: 'tensor' }).model
  await using own = await open(quantized(byTensor).model)
  await using expected = await open(quantized(dense).model)
  const longest = Math.max(...texts.map(({ length }) => length))
  const batch = await runRows(own, texts.map(plainRow), longest)
  for (const [i, ids] of texts.entries()) {
    const [alone] = await runRows(own, [plainRow(ids)], ids.length)
    expect(batch[i]?.logits).toEqual(alone?.logits)
    const [other] = await runRows(expected, [plainRow(ids)], ids.length)
    expect(difference(alone?.logits ?? [], other?.logits ?? [])).toBeLessThan(1e-5)
  }
})

test('rewrites QAttention as a product of rows and its heads', async () => {
  const source = openFixture(fixture('vit-cls-ortfused'))
  const byTensor = quantized(source, { activations: 'tensor' }).model
  expect(operators(byTensor)).toContain('QAttention')
  const { model } = quantized(byTensor)
  expect(operators(model)).not.toContain('QAttention')
  const [data] = dataSets(fixture('vit-cls-ortfused'))
  const seen = await runOnEach(model, [data?.inputs ?? {}])
  const expected = await runOnEach(quantized(source).model, [data?.inputs ?? {}])
  for (const [name, tensor] of Object.entries(expected[0] ?? {})) {
    expect(difference(numbers(seen[0]?.[name]), numbers(tensor))).toBeLessThan(1e-5)
  }
})

const WEIGHTS = Int8Array.of(3, -5, 7, 100, 20, -30)
/** x [rows, 2] · W [2, 3], with a scale for each column and a bias. */
const product = Float64Array.of(0.1, 0.01, 0.02)
const bias = Float64Array.of(1, 2, 3)

function ofNodes(nodes: readonly NodeProto[], outputs: readonly string[] = ['y']): Model {
  const model = createModel(17)
  const graph = new Graph(model)
  graph.importOperators('com.microsoft')
  graph.addInput('x', 'float32', ['rows', 2])
  graph.addInitializer('w', { type: 'int8', dims: [2, 3], data: WEIGHTS })
  graph.addInitializer('w_scale', { dtype: 'float32', dims: [3], data: product })
  graph.addInitializer('w_zero', { type: 'int8', dims: [3], data: Int8Array.of(0, 0, 0) })
  graph.addInitializer('bias', { dtype: 'float32', dims: [3], data: bias })
  graph.insert(nodes)
  for (const name of outputs) graph.addOutput(name, 'float32', ['rows', 3])
  return model
}

const rounding = createNode({ type: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 's', 'z'] })
const cast = createNode({ type: 'Cast', inputs: ['i'], outputs: ['f'], attributes: { to: 1 } })
const forms: Readonly<Record<string, readonly NodeProto[]>> = {
  DynamicQuantizeMatMul: [
    createNode({
      ...{ type: 'DynamicQuantizeMatMul', domain: 'com.microsoft', name: 'p' },
      ...{ inputs: ['x', 'w', 'w_scale', 'w_zero', 'bias'], outputs: ['y'] },
    }),
  ],
  MatMulIntegerToFloat: [
    rounding,
    createNode({
      ...{ type: 'MatMulIntegerToFloat', domain: 'com.microsoft', name: 'p' },
      ...{ inputs: ['q', 'w', 's', 'w_scale', 'z', 'w_zero', 'bias'], outputs: ['y'] },
    }),
  ],
  MatMulInteger: [
    rounding,
    createNode({ type: 'MatMulInteger', name: 'p', inputs: ['q', 'w', 'z', 'w_zero'], outputs: ['i'] }),
    cast,
    createNode({ type: 'Mul', inputs: ['w_scale', 's'], outputs: ['scales'] }),
    createNode({ type: 'Mul', inputs: ['scales', 'f'], outputs: ['m'] }),
    createNode({ type: 'Add', inputs: ['m', 'bias'], outputs: ['y'] }),
  ],
}

const dense = (row: readonly number[]): number[] =>
  [0, 1, 2].map((column) => {
    const sum = row.reduce((all, x, i) => all + x * (WEIGHTS[3 * i + column] as number), 0)
    return (bias[column] as number) + (product[column] as number) * sum
  })

test.each(Object.keys(forms))('rounds small rows next to large ones by their own range: %s', async (form) => {
  const nodes = forms[form] as readonly NodeProto[]
  // With one range for both rows the small one would be 0.
  const x = float32([2, 2], [0.001, -0.002, 500, 1000])
  const { y } = await run(quantized(ofNodes(nodes)).model, { x })
  const expected = [dense([0.001, -0.002]), dense([500, 1000])]
  for (const [i, row] of rows(y).entries()) {
    const size = Math.max(...(expected[i] as number[]).map((each, column) => Math.abs(each - (bias[column] as number))))
    for (const [column, each] of row.entries()) {
      expect(Math.abs(each - (expected[i]?.[column] as number))).toBeLessThan(0.02 * size)
    }
  }
  const second = createNode({
    ...{ type: 'DynamicQuantizeMatMul', domain: 'com.microsoft', name: 'second' },
    ...{ inputs: ['x', 'w', 'w_scale', 'w_zero'], outputs: ['other'] },
  })
  const exact = await run(quantized(ofNodes([...nodes, second], ['y', 'other']), { exclude: ['p'] }).model, { x })
  expect(difference(numbers(exact.y), expected.flat())).toBeLessThan(1e-6)
  expect(difference(numbers(exact.other), expected.flat())).toBeGreaterThan(1e-6)
  expect(() => quantized(ofNodes(nodes), { exclude: ['p'] })).toThrow(expect.objectContaining({ code: 'TP_QUANTIZE' }))
})

test('multiplies two activations in float32', async () => {
  const model = ofNodes(forms.DynamicQuantizeMatMul ?? [])
  const graph = new Graph(model)
  graph.addInput('k', 'float32', [2, 'columns'])
  graph.insert([
    rounding,
    createNode({ type: 'DynamicQuantizeLinear', inputs: ['k'], outputs: ['kq', 'ks', 'kz'] }),
    createNode({ type: 'MatMulInteger', inputs: ['q', 'kq', 'z', 'kz'], outputs: ['i'] }),
    cast,
    createNode({ type: 'Mul', inputs: ['s', 'ks'], outputs: ['scales'] }),
    createNode({ type: 'Mul', inputs: ['f', 'scales'], outputs: ['scores'] }),
  ])
  graph.addOutput('scores', 'float32', ['rows', 'columns'])
  const { scores } = await run(quantized(model).model, {
    x: float32([1, 2], [3, 5]),
    k: float32([2, 2], [0.1, 1, 0.2, 7]),
  })
  expect(difference(numbers(scores), [1.3, 38])).toBeLessThan(1e-6)
})

test.each(['bert-cls-int8dyn', 'distilbert-cls-int8', 'vit-cls-int8dyn'])(
  'rounds a pruned file by token, where ranges are those of tokens that are no longer there: %s',
  async (name) => {
    const source = openFixture(fixture(name))
    const whole = quantized(source).model
    const [data] = dataSets(fixture(name))
    for (const keep of [1, 0.6]) {
      const cuts = prune({ method: clsAttention(), schedule: schedule(3, { keep }) })
      const { model, reports } = transform(source, cuts, quantize())
      expect([reports[1].keepsWeights, roundsByBatch(model)]).toEqual([true, false])
      const [seen, expected] = [await run(model, data?.inputs ?? {}), await run(whole, data?.inputs ?? {})]
      for (const [output, tensor] of Object.entries(seen)) {
        expect(difference(numbers(tensor), numbers(expected[output]))).toBeLessThan(keep === 1 ? 1e-5 : 10)
      }
    }
  },
)

test.each<[what: string, message: RegExp, model: () => Model]>([
  [
    'a range that something else reads',
    /node "?DynamicQuantizeLinear|rounds by the range/,
    () => ofNodes([rounding, createNode({ type: 'Mul', inputs: ['s', 'bias'], outputs: ['y'] })]),
  ],
  ['fixed ranges', /no answer depends on its batch/, () => openFixture(fixture('bert-cls-qdq'))],
  [
    'a file by token',
    /no answer depends on its batch/,
    () => quantized(openFixture(fixture('bert-cls-int8dyn'))).model,
  ],
  [
    '4-bit weights',
    /no answer depends on its batch/,
    () => lessPrecision(openFixture(fixture('bert-cls-eager-ts11')), '4-bit'),
  ],
])('refuses %s', (_, message, model) => {
  expect(() => quantized(model())).toThrow(
    expect.objectContaining({ code: 'TP_QUANTIZED', message: expect.stringMatching(message) }),
  )
})

test('refuses to round a file in 8 bits by tensor, and to exclude a node that it does not have', () => {
  const source = openFixture(fixture('bert-cls-int8dyn'))
  expect(() => quantized(source, { activations: 'tensor' })).toThrow(expect.objectContaining({ code: 'TP_QUANTIZED' }))
  expect(() => quantized(source, { exclude: ['x'] })).toThrow('the model has no node "x"')
})

test('keeps the bias of a GELU apart, and declares no shapes', () => {
  const source = openFixture(fixture('bert-cls-eager-ts11'))
  const { model } = quantized(source)
  const graph = new Graph(model)
  const erf = graph.nodes.find(({ opType }) => opType === 'Erf')
  const sum = graph.producer(graph.producer(erf?.input[0] as string)?.input[0] as string)
  expect(sum?.input.map((name) => graph.initializer(name)?.dims.map(Number)).filter(Boolean)).toEqual([[1, 40]])
  expect(model.proto.graph?.valueInfo).toEqual([])
})

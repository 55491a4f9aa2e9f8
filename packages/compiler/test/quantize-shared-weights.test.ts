import { createModel, createNode, encodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { productsSaturate, type QuantizeOptions, quantize, transform } from '../src/index.ts'
import { ifNode } from './bodies.ts'
import { difference, float32, int64, numbers, run } from './run.ts'

const [VOCABULARY, HIDDEN] = [7, 4]
/** Rows of very different sizes, so that one scale for all would lose the small ones. */
const embeddings = Float32Array.from({ length: VOCABULARY * HIDDEN }, (_, i) => Math.sin(3 * i) / 4 ** (i >> 3))

/** Where sums of 8-bit products saturate, only weights of 7 bits are exact. */
const exact: QuantizeOptions = (await productsSaturate(run)) ? { reduceRange: true } : {}
/** Largest difference from float32, as a share of the largest number. */
const TOLERANCE = exact.reduceRange ? 0.04 : 0.02

function quantized(model: Model, options: QuantizeOptions = {}) {
  const { model: rounded, reports } = transform(model, quantize({ ...exact, ...options }))
  return { ...reports[0], model: rounded }
}

/** How a head reads the table of embeddings, whose transpose it multiplies with. */
const heads: Readonly<Record<string, (state: string, logits: string) => NodeProto[]>> = {
  'a Transpose and a MatMul': (state, logits) => [
    createNode({ type: 'Transpose', inputs: ['table'], outputs: [`${logits}_head`], attributes: { perm: [1, 0] } }),
    createNode({ type: 'MatMul', name: 'head', inputs: [state, `${logits}_head`], outputs: [logits] }),
  ],
  'a Transpose of an Identity': (state, logits) => [
    createNode({ type: 'Identity', inputs: ['table'], outputs: [`${logits}_same`] }),
    createNode({ type: 'Transpose', inputs: [`${logits}_same`], outputs: [`${logits}_head`] }),
    createNode({ type: 'MatMul', name: 'head', inputs: [state, `${logits}_head`], outputs: [logits] }),
  ],
  'a Gemm with transB': (state, logits) => [
    createNode({ type: 'Gemm', name: 'head', inputs: [state, 'table'], outputs: [logits], attributes: { transB: 1 } }),
  ],
}

/** ids [tokens] → embeddings → squares of them → logits [tokens, vocabulary], with tied weights. */
function layersOf(head: string, prefix = ''): NodeProto[] {
  const [rows, state] = [`${prefix}rows`, `${prefix}state`]
  return [
    createNode({ type: 'Gather', name: 'embed', inputs: ['table', 'ids'], outputs: [rows] }),
    createNode({ type: 'Tanh', name: 'tanh', inputs: [rows], outputs: [state] }),
    ...(heads[head] as (typeof heads)[string])(state, `${prefix}logits`),
  ]
}

function withInputs(nodes: readonly NodeProto[]): Model {
  const model = createModel(17)
  const graph = new Graph(model)
  graph.addInput('ids', 'int64', ['tokens'])
  graph.addInitializer('table', { type: 'float32', dims: [VOCABULARY, HIDDEN], data: embeddings })
  graph.insert(nodes)
  graph.addOutput('logits', 'float32', ['tokens', VOCABULARY])
  return model
}

/** The same in both branches, as in a merged decoder; with `other` 1 the logits are doubled. */
function merged(head: string): Model {
  const doubled = createNode({ type: 'Add', inputs: ['other/logits', 'other/logits'], outputs: ['doubled'] })
  const choice = ifNode('other', 'logits', {
    then_branch: [...layersOf(head, 'other/'), doubled],
    else_branch: layersOf(head, 'first/'),
  })
  const model = withInputs([choice])
  new Graph(model).addInput('other', 'bool', [])
  return model
}

const ids = int64([5], [0, 6, 3, 3, 1])
const chosen = (other: boolean) =>
  ({ ids, other: { type: 'bool', dims: [], data: Uint8Array.of(Number(other)) } }) as const

const forms: readonly QuantizeOptions[] = [
  {},
  { weightType: 'uint8' },
  { perChannel: false },
  { weightType: 'uint8', perChannel: false },
  { reduceRange: true },
]

describe.each(Object.keys(heads))('embeddings that a head reads through %s', (head) => {
  test.each(forms)('stores shared weights once, with the scales of the head: %j', async (form) => {
    const { model, nodes } = quantized(withInputs(layersOf(head)), form)
    expect(nodes.map(({ name }) => name)).toEqual(['embed', 'head'])
    const stored = new Graph(model).initializers.filter(
      ({ dims }) => dims.length === 2 && dims[0] === BigInt(VOCABULARY),
    )
    expect(stored.map(({ name }) => name)).toEqual(['table_quantized'])
    const [{ logits: seen }, { logits: dense }] = [
      await run(model, { ids }),
      await run(withInputs(layersOf(head)), { ids }),
    ]
    expect(difference(numbers(seen), numbers(dense))).toBeLessThan(form.reduceRange ? 0.04 : TOLERANCE)
  })

  test('stores shared weights once for both branches of an If', async () => {
    const { model, nodes, remaining } = quantized(merged(head))
    expect(remaining).toEqual([])
    expect(nodes.map(({ name }) => name)).toEqual(['embed', 'head', 'embed', 'head'])
    const stored = new Graph(model).initializers.filter(({ dims }) => dims.length === 2)
    expect(stored.map(({ name }) => name)).toEqual(['table_quantized'])
    for (const other of [false, true]) {
      const [{ logits: seen }, { logits: dense }] = [
        await run(encodeModel(model), chosen(other)),
        await run(encodeModel(merged(head)), chosen(other)),
      ]
      expect(difference(numbers(seen), numbers(dense))).toBeLessThan(TOLERANCE)
    }
  })
})

test('rows of tied embeddings keep a scale each, so that small ones are not lost', async () => {
  const model = withInputs(layersOf('a Transpose and a MatMul'))
  const graph = new Graph(model)
  graph.addOutput('rows', 'float32', ['tokens', HIDDEN])
  const [{ rows: seen }, { rows: dense }] = [await run(quantized(model).model, { ids }), await run(model, { ids })]
  for (let token = 0; token < 5; token++) {
    const own = numbers(dense).slice(HIDDEN * token, HIDDEN * (token + 1))
    const half = Math.max(...own.map(Math.abs)) / (exact.reduceRange ? 128 : 254)
    for (const [i, x] of own.entries())
      expect(Math.abs((numbers(seen)[HIDDEN * token + i] as number) - x)).toBeLessThanOrEqual(1.001 * half)
  }
})

test('leaves a table alone in 8 bits where the head is excluded, and says what remains', () => {
  const { model, nodes, remaining } = quantized(withInputs(layersOf('a Transpose and a MatMul')), { exclude: ['head'] })
  expect(nodes).toEqual([{ name: 'embed', operator: 'Gather' }])
  expect(remaining).toEqual([{ operator: 'MatMul', bytes: 4 * VOCABULARY * HIDDEN, why: 'kept in float32 as asked' }])
  expect(new Graph(model).initializers.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['table', 'table_quantized']),
  )
})

test('names the body that weights in float32 are read in', () => {
  const model = withInputs(layersOf('a Gemm with transB'))
  const graph = new Graph(model)
  graph.addInput('other', 'bool', [])
  graph.addInitializer('w', { type: 'float32', dims: [HIDDEN, HIDDEN], data: embeddings.slice(0, HIDDEN ** 2) })
  const relu = (name: string): NodeProto[] => [createNode({ type: 'Relu', inputs: ['w'], outputs: [name] })]
  graph.insert([ifNode('other', 'positive', { then_branch: relu('then'), else_branch: relu('else') })])
  const scan = ifNode('other', 'repeated', { then_branch: relu('again'), else_branch: relu('not') })
  graph.insert([Object.assign(scan, { opType: 'Scan', name: 'scan' })])
  expect(quantized(model).remaining).toEqual([
    {
      operator: 'Relu, Relu in Scan',
      bytes: 4 * HIDDEN ** 2,
      why: 'neither a factor of a product nor a table of rows, in a body, where nothing is rounded',
    },
  ])
})

test('excludes nodes of branches by their names, and says which are none', () => {
  const source = merged('a Gemm with transB')
  expect(quantized(source, { exclude: ['embed'] }).nodes.map(({ name }) => name)).toEqual(['head', 'head'])
  expect(() => transform(source, quantize({ exclude: ['tanh'] }))).toThrow(
    'the node "tanh" (Tanh) remains in float32 in any case',
  )
})

test('stores transposed weights that no table is as the product reads them', async () => {
  const model = createModel(17)
  const graph = new Graph(model)
  graph.addInput('x', 'float32', ['B', HIDDEN])
  graph.addInitializer('w', { type: 'float32', dims: [VOCABULARY, HIDDEN], data: embeddings })
  graph.insert([
    createNode({ type: 'Transpose', inputs: ['w'], outputs: ['wT'] }),
    createNode({ type: 'MatMul', inputs: ['x', 'wT'], outputs: ['y'] }),
  ])
  graph.addOutput('y', 'float32', ['B', VOCABULARY])
  const { model: small } = quantized(model)
  expect(small.proto.graph?.node.map(({ opType }) => opType)).not.toContain('Transpose')
  const x = float32([1, HIDDEN], [1, -0.5, 0.25, 2])
  const [{ y: seen }, { y: dense }] = [await run(small, { x }), await run(model, { x })]
  expect(difference(numbers(seen), numbers(dense))).toBeLessThan(TOLERANCE)
})

test('refuses a merged decoder that is quantized already', () => {
  const { model } = quantized(merged('a Gemm with transB'))
  expect(() => transform(model, quantize())).toThrow(expect.objectContaining({ code: 'TP_QUANTIZED' }))
})

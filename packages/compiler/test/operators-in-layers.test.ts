import {
  add,
  axisSize,
  cast,
  concat,
  constant,
  cos,
  evaluate,
  gather,
  gemm,
  input,
  matmul,
  mul,
  neg,
  range,
  reshape,
  schedule,
  sin,
  slice,
  squeeze,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import type { Attributes } from '@tp/core/expression'
import type { NamedTensors } from '@tp/core/runtime'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { createNode, decodeModel, Graph, lift, type Model, type NodeProto } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { type EncoderReport, inspect, prune, transform } from '../src/index.ts'
import { encoder, inputsOf, plainEncoder } from './encoders.ts'
import { merging } from './fused-methods.ts'
import { pruned } from './pruned.ts'
import { difference, int64, numbers, run } from './run.ts'

const [batch, tokens] = [3, 10]
const inputs = inputsOf(plainEncoder, batch, tokens, 5)

/** A small encoder whose graph `change` edits before anything looks at it. */
function changed(change: (graph: Graph) => void, options: Partial<typeof plainEncoder> = {}): Model {
  const model = decodeModel(encoder({ ...plainEncoder, ...options }))
  const graph = new Graph(model)
  change(graph)
  graph.sortTopologically()
  return model
}

interface NewNode {
  readonly type: string
  readonly domain?: string
  readonly attributes?: Attributes
}

/** Puts a node that reads other inputs in place of another one. */
function replaceNode(
  graph: Graph,
  node: NodeProto,
  { type, domain = '', attributes = {} }: NewNode,
  names: readonly string[],
): void {
  const output = node.output[0] as string
  graph.remove(node)
  graph.importOperators(domain)
  graph.insert([createNode({ type, domain, name: `${output}/${type}`, inputs: names, outputs: [output], attributes })])
}

/** Puts nodes between a value and all that reads it. */
function after(graph: Graph, value: string, result: string, nodes: readonly NodeProto[]): void {
  const readers = [...graph.consumers(value)]
  graph.insert(nodes)
  for (const { node, index } of readers) graph.replaceInput(node, index, result)
}

const ofType = (graph: Graph, type: string): NodeProto[] => graph.nodes.filter(({ opType }) => opType === type)

function layersOf(model: Model): EncoderReport['layers'] {
  const seen = inspect(model)
  if (!seen.ok) throw new Error(`refused: ${JSON.stringify(seen.refusal)}`)
  return seen.layers
}

/** Keeping all tokens changes nothing; pruned by half, the runtime computes what the interpreter does. */
async function expectPrunes(model: Model, fed: NamedTensors = inputs): Promise<void> {
  const dense = numbers((await run(model, fed)).logits)
  const method = receivedAttention()
  const whole = pruned(model, { method, schedule: schedule(2, { layers: [0, 1], tokens: 99 }) })
  expect(difference(numbers((await run(whole, fed)).logits), dense)).toBeLessThan(1e-5)
  const half = pruned(model, { method, schedule: schedule(2, { layers: [0, 1], keep: 0.5 }) })
  const logits = numbers((await run(half, fed)).logits)
  expect(difference(logits, dense)).toBeGreaterThan(1e-4)
  const lifted = lift(new Graph(half))
  expect(difference(logits, numbers(evaluate({ logits: lifted.tensor('logits') }, fed).logits))).toBeLessThan(1e-5)
}

describe('a norm after a sum is where the layer ends', () => {
  const norms: readonly NewNode[] = [
    { type: 'RMSNormalization', attributes: { axis: -1, epsilon: 1e-5 } },
    { type: 'SimplifiedLayerNormalization', attributes: { axis: -1, epsilon: 1e-5 } },
    { type: 'LpNormalization', attributes: { axis: -1, p: 2 } },
  ]
  test.each(norms)('$type', async (norm) => {
    const model = changed(
      (graph) => {
        for (const node of ofType(graph, 'LayerNormalization')) {
          replaceNode(graph, node, norm, node.input.slice(0, norm.type === 'LpNormalization' ? 1 : 2))
        }
      },
      { opset: 23 },
    )
    const layers = layersOf(model)
    expect(layers.map(({ norm }) => norm)).toEqual(['post', 'post'])
    const graph = new Graph(model)
    for (const { site } of layers) expect(graph.producer(site)?.opType).toBe(norm.type)
    await expectPrunes(model)
  })
})

describe('two products after the attention with an activation between them are a feed-forward network', () => {
  const activations: readonly (NewNode & { readonly opset?: number })[] = [
    { type: 'Swish', opset: 24 },
    { type: 'Softplus' },
    { type: 'QuickGelu', domain: 'com.microsoft' },
  ]
  test.each(activations)('$type', async ({ opset = 17, ...activation }) => {
    // The projection of the last layer's context, twice: with an activation in between, more than one product.
    const model = changed(
      (graph) => {
        const context = graph.consumers(ofType(graph, 'Softmax')[1]?.output[0] as string)[0]?.node as NodeProto
        let [at] = graph.consumers(context.output[0] as string)
        while (at?.node.opType !== 'MatMul') [at] = graph.consumers(at?.node.output[0] as string)
        const product = at.node
        const [hidden] = product.output as [string]
        const nodes = [
          createNode({ name: 'act', ...activation, inputs: [hidden], outputs: ['activated'] }),
          createNode({
            type: 'MatMul',
            name: 'again',
            inputs: ['activated', product.input[1] as string],
            outputs: ['again'],
          }),
        ]
        graph.importOperators(activation.domain ?? '')
        after(graph, hidden, 'again', nodes)
      },
      { opset },
    )
    // Where the feed-forward is in the site already, the layer ends there.
    const last = layersOf(model).at(-1)
    expect(last?.output).toBe(last?.site)
    await expectPrunes(model)
  })
})

describe("zeros in place of the softmax's NaN", () => {
  const zeroed = changed((graph) => {
    graph.addInitializer('zero', { type: 'float32', dims: [], data: Float32Array.of(0) })
    for (const [i, { output }] of ofType(graph, 'Softmax').entries()) {
      const [probabilities] = output as [string]
      after(graph, probabilities, `kept_${i}`, [
        createNode({ type: 'IsNaN', name: `nan_${i}`, inputs: [probabilities], outputs: [`nan_${i}`] }),
        createNode({
          type: 'Where',
          name: `where_${i}`,
          inputs: [`nan_${i}`, 'zero', probabilities],
          outputs: [`kept_${i}`],
        }),
      ])
    }
  })
  const plain = changed(() => {})
  const first = { layers: [0] }

  test.each([
    ['a mass', { method: receivedAttention(), schedule: schedule(2, { ...first, mass: 0.6 }) }],
    ['a threshold', { method: clsAttention(), schedule: schedule(2, { ...first, threshold: 0.1 }) }],
    ['merging', { method: merging(), schedule: schedule(2, { ...first, keep: 0.6 }) }],
  ])('do not change what pruning by %s in the first layer returns', async (_, options) => {
    const expected = numbers((await run(pruned(plain, options), inputs)).logits)
    expect(difference(numbers((await run(pruned(zeroed, options), inputs)).logits), expected)).toBeLessThan(1e-6)
  })
})

test('a layer whose product is fused is numbered like any other', async () => {
  const plain = changed(() => {})
  const fused = changed((graph) => {
    const [softmax] = ofType(graph, 'Softmax')
    let product = graph.producer(softmax?.input[0] as string) as NodeProto
    while (product.opType !== 'MatMul') product = graph.producer(product.input[0] as string) as NodeProto
    const keys = graph.producer(product.input[1] as string) as NodeProto
    expect(keys.opType).toBe('Transpose')
    const form = { type: 'FusedMatMul', domain: 'com.microsoft', attributes: { alpha: 1, transB: 1 } }
    replaceNode(graph, product, form, [product.input[0] as string, keys.input[0] as string])
  })
  expect(layersOf(fused)).toHaveLength(2)
  const options = { method: receivedAttention(), schedule: schedule(2, { layers: [1], keep: 0.5 }) }
  const expected = numbers((await run(pruned(plain, options), inputs)).logits)
  const prunedFused = pruned(fused, options)
  expect(difference(numbers((await run(prunedFused, inputs)).logits), expected)).toBeLessThan(1e-5)
  // Parts that pruning does not touch are as they were.
  expect(new Graph(prunedFused).nodes.map(({ opType }) => opType)).toContain('FusedMatMul')
})

test('a residual written as Sum ends a layer', async () => {
  const model = changed((graph) => {
    for (const node of ofType(graph, 'Add')) replaceNode(graph, node, { type: 'Sum' }, node.input)
  })
  expect(layersOf(model)).toHaveLength(2)
  await expectPrunes(model)
})

test('a layer in a form that is not known is not left out in silence', () => {
  const model = changed((graph) => {
    const probabilities = ofType(graph, 'Softmax')[0]?.output[0] as string
    const square = createNode({
      type: 'Mul',
      name: 'square',
      inputs: [probabilities, probabilities],
      outputs: ['square'],
    })
    after(graph, probabilities, 'square', [square])
  })
  const seen = inspect(model)
  const message = expect.stringContaining('where no layer was found, so layers would be counted without it')
  expect(seen).toMatchObject({ ok: false, refusal: { code: 'TP_NO_ATTENTION', message } })
})

describe('queries and keys that are turned by positions', () => {
  const [half, longest] = [2, 12]
  const computed = (x: Tensor): Tensor => unsqueeze(range(0, squeeze(axisSize(x, 2), [0]), 1), 0)
  const positionInput = (): Tensor => input('position_ids', 'int64', ['batch', 'sequence'])
  const angles = (positions: Tensor): Tensor =>
    mul(unsqueeze(cast(positions, 'float32'), 2), constant([1, 0.3], 'float32'))
  const table = (of: (x: number) => number): Tensor =>
    constant(
      Array.from({ length: longest * half }, (_, i) => of(Math.floor(i / half) * (i % half === 0 ? 1 : 0.3))),
      'float32',
      [longest, half],
    )
  /** By cosines and sines [b,n,d/2]. */
  const turned = (x: Tensor, cosines: Tensor, sines: Tensor): Tensor => {
    const twice = (y: Tensor): Tensor => unsqueeze(concat([y, y], 2), 1)
    const [a, b] = [slice(x, { axis: 3, start: 0, end: half }), slice(x, { axis: 3, start: half })]
    return add(mul(x, twice(cosines)), mul(concat([neg(b), a], 3), twice(sines)))
  }
  const byAngles = (positions: (x: Tensor) => Tensor) => (x: Tensor) =>
    turned(x, cos(angles(positions(x))), sin(angles(positions(x))))
  const byTable = (x: Tensor): Tensor =>
    turned(x, gather(table(Math.cos), positionInput(), 0), gather(table(Math.sin), positionInput(), 0))
  const position_ids = int64(
    [batch, tokens],
    Array.from({ length: batch * tokens }, (_, i) => i % tokens),
  )
  const model = (rotate: (x: Tensor) => Tensor): Model => decodeModel(encoder({ ...plainEncoder, rotate }))

  test.each([
    ['angles', byAngles(positionInput)],
    ['rows of a table', byTable],
  ])('by %s of positions that are an input are those of an encoder', async (_, rotate) => {
    const fed = { ...inputs, position_ids }
    expect(layersOf(model(rotate))).toHaveLength(2)
    await expectPrunes(model(rotate), fed)
    const options = { method: receivedAttention(), schedule: schedule(2, { layers: [0, 1], keep: 0.5 }) }
    const expected = numbers((await run(pruned(model(byAngles(computed)), options), inputs)).logits)
    expect(difference(numbers((await run(pruned(model(rotate), options), fed)).logits), expected)).toBeLessThan(1e-5)
  })

  test('turns queries and keys where later tokens are hidden, whatever the positions come from', () => {
    const options = { ...plainEncoder, rotate: byAngles(positionInput), causal: 'range' as const }
    expect(inspect(decodeModel(encoder(options)))).toMatchObject({ ok: true, classToken: 0 })
  })
})

test('layers that share the probabilities of an earlier one are refused', () => {
  const model = changed((graph) => {
    const [first, second] = graph.nodes.filter(({ opType }) => opType === 'Softmax') as [NodeProto, NodeProto]
    const [reader] = graph.consumers(second.output[0] as string)
    graph.replaceInput(reader?.node as NodeProto, 0, first.output[0] as string)
    graph.removeDeadNodes()
  })
  expect(inspect(model)).toMatchObject({
    refusal: { code: 'TP_NO_ATTENTION', message: expect.stringMatching(/again in .*, by the probabilities of an/) },
  })
})

test('a product whose rows are joined and split again by a fixed number of tokens is followed, as simplified files have it', async () => {
  const hidden = plainEncoder.heads * plainEncoder.headDim
  const weights = randomLayers(seeded(9)).weight([hidden, hidden], 0.3)
  const joined = (x: Tensor): Tensor => reshape(gemm(reshape(x, [-1, hidden]), weights), [-1, tokens, hidden])
  const sizes = ['batch', tokens] as const
  const [own, plain] = [joined, (x: Tensor) => matmul(x, weights)].map((gate) =>
    decodeModel(encoder({ ...plainEncoder, sizes, gate })),
  ) as [Model, Model]
  for (const options of [
    { method: receivedAttention(), schedule: schedule(2, { layers: [0, 1], keep: 0.5 }) },
    { method: merging(), schedule: schedule(2, { layers: [0, 1], keep: 0.6 }) },
  ]) {
    const [expected, got] = await Promise.all(
      [plain, own].map(async (model) => numbers((await run(transform(model, prune(options)).model, inputs)).logits)),
    )
    expect(difference(got as number[], expected as number[])).toBeLessThan(1e-5)
  }
})

import {
  add,
  axisSize,
  concat,
  constant,
  evaluate,
  fill,
  input,
  matmul,
  mul,
  relu,
  reshape,
  shape,
  softmax,
  sub,
  sum,
  type Tensor,
  topK,
  transpose,
} from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import {
  dataSets,
  errorCode,
  everySecondFixture,
  fixtureNames,
  maxDifference,
  openFixture,
  type StoredData,
  testsOfFiles,
} from '../../test/shared.ts'
import { createModel, decodeModel, encodeModel, opset } from '../file/model.ts'
import { Graph } from '../graph/graph.ts'
import { createNode } from '../graph/node.ts'
import { emit } from './emit.ts'
import { emitModel } from './emit-model.ts'
import { lift } from './lift.ts'

/** Half precision and dynamic quantization amplify the last bit; everything else is exact to float32 rounding. */
const coarse = /fp16|int8/

async function run(bytes: Uint8Array, feeds: Readonly<Record<string, TensorLike>>) {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const entries = session.inputNames.map((name) => {
    const { type, data, dims } = feeds[name] as TensorLike
    return [name, new ort.Tensor(type as 'float32', data as Float32Array, dims)]
  })
  const results = await session.run(Object.fromEntries(entries))
  await session.release()
  return results
}

/**
 * The outputs of a fixture: as it was stored, or, with products of 8-bit numbers, on this machine. They saturate on processors without
 * instructions for them, so that results differ by machine.
 */
async function denseSets(name: string, { model }: Graph): Promise<readonly StoredData[]> {
  const eightBit = (model.proto.graph?.node ?? []).some(({ opType }) => /Quantize|Integer|^QLinear/.test(opType))
  if (!eightBit) return dataSets(name)
  const bytes = encodeModel(model)
  const here = async (set: StoredData): Promise<StoredData> => ({
    ...set,
    outputs: (await run(bytes, set.inputs)) as never,
  })
  return Promise.all(dataSets(name).map(here))
}

async function expectOutputs(bytes: Uint8Array, { inputs, outputs }: StoredData, tolerance: number): Promise<void> {
  const results = await run(bytes, inputs)
  for (const [name, expected] of Object.entries(outputs)) {
    expect(maxDifference(expected, results[name] as never), name).toBeLessThan(tolerance)
  }
}

function outputsOf(graph: Graph): Record<string, Tensor> {
  const lifted = lift(graph)
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, lifted.tensor(name)]))
}

/** x[n,8] → Relu → y, as a file would have it. */
function host(dims: (number | string)[] = ['n', 8]): Graph {
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', dims)
  graph.insert([createNode({ type: 'Relu', inputs: ['x'], outputs: ['y'] })])
  graph.addOutput('y', 'float32', dims)
  return new Graph(graph.model)
}

const x8: TensorLike = { type: 'float32', dims: [2, 8], data: Float32Array.from({ length: 16 }, (_, i) => i - 7) }

describe('a lifted graph, written again', () => {
  const second = everySecondFixture()
  testsOfFiles(
    // The others are computed by the interpreter, in lift.test.ts, but for those that it has no kernels for.
    fixtureNames().filter((name) => !/deberta/.test(name) && (second.has(name) || /ortfused/.test(name))),
    'a runtime gives what the fixture gives',
    async (name) => {
      const graph = openFixture(name)
      const bytes = emitModel(outputsOf(graph), { opset: opset(graph.model) })
      for (const set of await denseSets(name, graph)) {
        await expectOutputs(bytes, set, coarse.test(name) ? 5e-2 : 1e-4)
      }
    },
  )

  for (const target of [11, 18, 26]) {
    test(`writes opset 14, 17 and 18 in the forms of opset ${target}`, async () => {
      for (const name of ['roberta-cls-old-ts14', 'vit-cls-sdpa-ts17', 'bert-cls-sdpa-dynamo18']) {
        const bytes = emitModel(outputsOf(openFixture(name)), { opset: target })
        for (const set of dataSets(name)) await expectOutputs(bytes, set, 1e-4)
      }
    })
  }

  test('a body that reads from the graph around it cannot move to another graph', () => {
    expect(errorCode(() => emitModel(outputsOf(openFixture('deberta-v2-cls-ts17'))))).toBe('TP_OPAQUE')
  })
})

describe('emit', () => {
  test('inserts an expression before a node of the graph', async () => {
    const graph = host()
    const relu = graph.nodes[0] as (typeof graph.nodes)[0]
    const value = input('hidden', 'float32', ['N', 8])
    const names = new Map([[value, 'x']])
    const [name] = emit([mul(add(value, 1), 2)], { graph, opset: 17, names, prefix: 'tp', before: relu })
    graph.replaceInput(relu, 0, name as string)
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Add', 'Mul', 'Relu'])
    for (const node of graph.nodes.slice(0, 2)) expect(node.name).toMatch(/^tp\//)
    const { y } = await run(encodeModel(graph.model), { x: x8 })
    const expected = Float32Array.from(x8.data as Float32Array, (v) => Math.max(0, (v + 1) * 2))
    expect(Array.from(y?.data as Float32Array)).toEqual(Array.from(expected))
  })

  test('writes a repeated expression once, and shares equal constants between calls', () => {
    const graph = host()
    const value = input('v', 'float32', ['N', 8])
    const target = { graph, opset: 17, names: new Map([[value, 'x']]) }
    const twice = () => sub(mul(value, 3), constant([1, 2, 3, 4, 5, 6, 7, 8]))
    const [a, b] = emit([twice(), twice()], { ...target, prefix: 'first' })
    expect(a).toBe(b)
    expect(graph.nodes).toHaveLength(3)
    expect(graph.initializers).toHaveLength(2)
    emit([twice()], { ...target, prefix: 'second' })
    expect(graph.initializers).toHaveLength(2)
    expect(graph.nodes).toHaveLength(5)
  })

  test('distinguishes nodes by attributes that JSON would confuse', () => {
    const graph = host()
    const rows = input('rows', 'int64', [1])
    const names = new Map([[rows, 'x']])
    const filled = [Infinity, -Infinity, NaN, 0, -0].map((value) => fill(value, 'float32', rows))
    expect(new Set(emit(filled, { graph, opset: 17, names, prefix: 'c' })).size).toBe(5)
  })

  test('distinguishes 0 from -0, int64 from int32, and one shape from another', () => {
    const graph = host()
    const constants = [constant(0), constant(-0), constant([0]), constant(0, 'int64'), constant(0, 'int32')]
    const names = emit(constants, { graph, opset: 17, names: new Map(), prefix: 'c' })
    expect(new Set(names).size).toBe(5)
  })

  test('folds arithmetic on sizes that are numbers in the graph', () => {
    const value = input('v', 'float32', ['B', 'N', 8])
    const flat = reshape(value, [mul(axisSize(value, 0), axisSize(value, 1)), 8] as never)
    const nodesIn = (dims: (number | string)[]): string[] => {
      const graph = host(dims)
      const actual = new Map([[value, lift(graph).tensor('x')]])
      emit([flat], { graph, opset: 17, names: new Map([[value, 'x']]), actual, prefix: 'tp' })
      return graph.nodes.map(({ opType }) => opType).filter((type) => type !== 'Relu')
    }
    expect(nodesIn([2, 5, 8])).toEqual(['Reshape'])
    expect(nodesIn(['b', 5, 8])).toContain('Shape')
  })

  test('writes as many outputs as a runtime requires', async () => {
    const value = input('x', 'float32', ['n', 8])
    const { indices } = topK(value, 3, { axis: 1 })
    const { top } = await run(emitModel({ top: indices }), { x: x8 })
    expect(Array.from(top?.data as BigInt64Array, Number)).toEqual([7, 6, 5, 7, 6, 5])
  })

  test('says what is missing', () => {
    const graph = host()
    const value = input('v', 'float32', ['N', 8])
    const target = { graph, opset: 17, names: new Map<Tensor, string>(), prefix: 'tp' }
    expect(errorCode(() => emit([relu(value)], target))).toBe('TP_UNBOUND')
    expect(graph.nodes).toHaveLength(1)
    const other = new Map([[value, input('w', 'float32', ['N', 7])]])
    const names = new Map([[value, 'x']])
    const product = matmul(value, constant(new Float32Array(8), 'float32', [8, 1]))
    expect(errorCode(() => emit([product], { ...target, names, actual: other }))).toBe('TP_SHAPE')
  })

  test('writes a node that it does not understand unchanged', () => {
    const source = host()
    const mystery = createNode({
      type: 'Mystery',
      domain: 'com.example',
      inputs: ['y', '', 'x'],
      outputs: ['m', 'other'],
      attributes: { k: 3, alpha: 1 },
    })
    source.insert([mystery])
    const lifted = lift(source)
    const graph = host()
    const names = new Map([[lifted.tensor('x'), 'x']])
    const [name] = emit([lifted.tensor('other')], { graph, opset: 17, names, prefix: 'tp' })
    const written = graph.producer(name as string)
    expect(written?.output.indexOf(name as string)).toBe(1)
    expect(written?.attribute).toEqual(mystery.attribute)
    expect(written?.domain).toBe('com.example')
    expect(opset(graph.model, 'com.example')).toBe(1)
    expect(written?.input[1]).toBe('')
  })
})

describe('emitModel', () => {
  test('makes a file with the given outputs, whatever they are', async () => {
    const a = input('a', 'float32', ['n', 'd'])
    const b = relu(a)
    const outputs = { same: a, b, again: b, fixed: constant([1, 2]), rows: shape(a) }
    const bytes = emitModel(outputs)
    const feeds = { a: { ...x8 } }
    const results = await run(bytes, feeds)
    const expected = evaluate(outputs, feeds)
    for (const name of Object.keys(outputs)) {
      expect(maxDifference(expected[name as 'b'], results[name] as never), name).toBe(0)
    }
    expect(new Graph(decodeModel(bytes)).inputs).toEqual([{ name: 'a', type: 'float32', dims: ['n', 'd'] }])
  })

  test('agrees with the interpreter', async () => {
    const q = input('q', 'float32', ['b', 'n', 4])
    const k = input('k', 'float32', ['b', 'm', 4])
    const p = softmax(mul(matmul(q, transpose(k, [0, 2, 1])), 0.5), -1)
    const received = sum(concat([p, p], 1), 1)
    const random = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i * 7.1))
    const feeds = {
      q: { type: 'float32', dims: [2, 3, 4], data: random(24) },
      k: { type: 'float32', dims: [2, 5, 4], data: random(40) },
    }
    const expected = evaluate({ p, received }, feeds, { precision: 'float64' })
    for (const version of [7, 12, 17, 26]) {
      const results = await run(emitModel({ p, received }, { opset: version }), feeds)
      expect(maxDifference(expected.p, results.p as never)).toBeLessThan(1e-6)
      expect(maxDifference(expected.received, results.received as never)).toBeLessThan(1e-6)
    }
  })

  test('refuses what no runtime can read', () => {
    const a = input('a', 'float32', ['n'])
    expect(errorCode(() => emitModel({ a: relu(a) }, { opset: 6 }))).toBe('TP_OPSET')
    expect(errorCode(() => emitModel({ a: relu(a) }, { opset: 27 }))).toBe('TP_OPSET')
    expect(errorCode(() => emitModel({ y: relu(a), z: relu(input('a', 'float32', ['m'])) }))).toBe('TP_NAME')
    expect(errorCode(() => emitModel({ a: relu(a) }))).toBe('TP_NAME')
    expect(errorCode(() => emitModel({ y: relu(input('a', 'float32')) }))).toBe('TP_UNKNOWN_SHAPE')
  })
})

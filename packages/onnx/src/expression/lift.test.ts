import { readFileSync } from 'node:fs'
import { create } from '@bufbuild/protobuf'
import {
  add,
  axisSize,
  concat,
  evaluate,
  expand,
  gatherND,
  input,
  matmul,
  range,
  reshape,
  squeeze,
  swapLast,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { type Dim, isUnknown, nodesBelow, substituteDim, withUnification } from '@tp/core/expression'
import { AttributeProto_AttributeType, AttributeProtoSchema, SparseTensorProtoSchema } from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import {
  dataSets,
  errorCode,
  everySecondFixture,
  fixture,
  fixtureNames,
  maxDifference,
  onnxFiles,
  openFixture,
  pathOf,
  testsOfFiles,
  trainedTest,
} from '../../test/shared.ts'
import { createModel, decodeModel, encodeModel } from '../file/model.ts'
import { readAttributes } from '../graph/attributes.ts'
import { Graph } from '../graph/graph.ts'
import { createNode } from '../graph/node.ts'
import { writeTensor } from '../tensor/tensor-proto.ts'
import { emitModel } from './emit-model.ts'
import { lift, liftNode } from './lift.ts'
import { isOpaque } from './opaque.ts'

/** Operators for which core's interpreter has no kernels: attention and embeddings fused by onnxruntime, control flow. */
const notComputed = /^(bert|vit).*-ortfused|^deberta/
/** Half precision and dynamic quantization amplify the last bit; everything else is exact to float32 rounding. */
const coarse = /fp16|int8/

function graphOf(inputs: Record<string, (number | string)[]>, ...nodes: Parameters<typeof createNode>[0][]): Graph {
  const graph = new Graph(createModel(17))
  for (const [name, dims] of Object.entries(inputs)) graph.addInput(name, 'float32', dims)
  graph.insert(nodes.map(createNode))
  return new Graph(graph.model)
}

/** Sizes of a data set's inputs by the names that the lifted placeholders have for them. */
function sizesOf(graph: Graph, tensor: (name: string) => Tensor, inputs: Record<string, { dims: readonly number[] }>) {
  const sizes: Record<string, number> = {}
  for (const { name } of graph.inputs) {
    tensor(name).dims.forEach((dim, axis) => {
      if (typeof dim === 'string') sizes[dim] = inputs[name]?.dims[axis] as number
    })
  }
  return sizes
}

function at(dims: readonly Dim[], sizes: Record<string, number>): Dim[] {
  return dims.map((dim) => substituteDim(dim, sizes))
}

describe('shapes of exported graphs', () => {
  testsOfFiles(fixtureNames(), 'outputs have the declared shapes, and those of the data', (name) => {
    const graph = openFixture(name)
    const lifted = lift(graph)
    for (const { name: output, dims: declared } of graph.outputs) {
      const { dims } = lifted.tensor(output)
      const sizes = dims.map((dim, axis) => (typeof declared?.[axis] === 'number' ? declared[axis] : dim))
      expect(dims, output).toEqual(sizes)
      for (const { inputs, outputs } of dataSets(name)) {
        const expected = outputs[output]?.dims
        expect(at(dims, sizesOf(graph, lifted.tensor, inputs)), output).toEqual(expected)
      }
    }
  })

  testsOfFiles(
    onnxFiles('models').map(({ name }) => name),
    'nothing is opaque',
    (name) => {
      const graph = new Graph(decodeModel(readFileSync(pathOf(name))))
      const lifted = lift(graph)
      expect(lifted.notes).toEqual([])
      for (const { name: output, dims } of graph.outputs) expect(lifted.tensor(output).dims).toEqual(dims)
    },
  )

  test('every value that the fixtures declare has the declared rank and sizes', () => {
    for (const name of fixtureNames()) {
      const graph = openFixture(name)
      const lifted = lift(graph)
      for (const info of graph.proto.valueInfo) {
        const declared = graph.valueInfo(info.name)
        if (declared?.dims === undefined || !lifted.has(info.name)) continue
        const tensor = lifted.tensor(info.name)
        if (!tensor.hasShape) continue
        const wrong = declared.dims.some(
          (dim, axis) => typeof dim === 'number' && typeof tensor.dims[axis] === 'number' && tensor.dims[axis] !== dim,
        )
        expect(wrong || declared.dims.length !== tensor.rank, `${name}: ${info.name} ${tensor}`).toBe(false)
      }
    }
  })

  trainedTest('lifting a 91 MB file decodes no weight', () => {
    const graph = new Graph(decodeModel(readFileSync(pathOf('minilm-sentiment/model.onnx'))))
    const before = process.memoryUsage().arrayBuffers
    const lifted = lift(graph)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6)
    expect(lifted.has(graph.outputs[0]?.name ?? '')).toBe(true)
  })
})

describe('the lifted graph computes what the file computes', () => {
  const second = everySecondFixture()
  testsOfFiles(
    // The others are written and run, in emit.test.ts.
    fixtureNames().filter((name) => !second.has(name) && !notComputed.test(name)),
    'the interpreter gives the stored outputs',
    (name) => {
      const lifted = lift(openFixture(name))
      for (const { inputs, outputs } of dataSets(name)) {
        const names = Object.keys(outputs)
        const results = evaluate(names.map(lifted.tensor), inputs)
        names.forEach((output, i) => {
          const difference = maxDifference(outputs[output] as never, results[i] as never)
          expect(difference, output).toBeLessThan(coarse.test(name) ? 5e-2 : 1e-4)
        })
      }
    },
  )
})

const ids = input('ids', 'float32', ['batch', 'tokens', 4])
const mask = input('mask', 'float32', ['b', 's', 4])
const counted = (axis: number): Tensor => unsqueeze(range(0, squeeze(axisSize(ids, axis), [0])), [1 - axis])
const whole = concat([axisSize(ids, 0), axisSize(ids, 1)], 0)
const numbers = concat(
  [0, 1].map((axis) => unsqueeze(expand(counted(axis), whole), [2])),
  2,
)
/** `mask.view(batch, -1)`, by the batch of the tokens. */
const viewed = (x: Tensor): Tensor => reshape(x, [squeeze(axisSize(ids, 0), [0]), -1])

describe('sizes', () => {
  test('sizes that have to be equal get the name that the first input gives them', () => {
    const graph = graphOf(
      { ids: ['batch', 'sequence', 4], mask: ['b', 's0', 1], late: ['s0', 4] },
      { type: 'Identity', inputs: ['mask'], outputs: ['early'] },
      { type: 'Add', inputs: ['ids', 'mask'], outputs: ['y'] },
      { type: 'Shape', inputs: ['late'], outputs: ['shape'] },
    )
    const lifted = lift(graph)
    expect(Object.fromEntries(lifted.sameAs)).toEqual({ b: 'batch', s0: 'sequence' })
    expect(lifted.tensor('early').dims).toEqual(['batch', 'sequence', 1])
    expect(lifted.tensor('shape').value).toEqual(['sequence', 4])
    expect(lifted.resolve('s0')).toBe('sequence')
  })

  test.each([
    ['MultiHeadAttention', ['x', 'x', 'x', '', '', 'bias']],
    ['MultiHeadAttention', ['x', 'x', 'x', '', 'mask']],
    ['Attention', ['x', 'weight', '', 'mask']],
    ['Attention', ['x', 'weight', '', '', '', 'bias']],
  ])('the mask of a fused %s has the size of its keys', (type, inputs) => {
    const graph = graphOf(
      {
        x: ['batch', 'sequence', 4],
        weight: [4, 12],
        mask: ['batch', 'total'],
        bias: ['batch', 1, 'sequence', 'total'],
      },
      { type, domain: 'com.microsoft', inputs, outputs: ['y'], attributes: { num_heads: 2 } },
    )
    expect(lift(graph).resolve('total')).toBe('sequence')
  })

  test('a fused mask with earlier keys has a size of its own', () => {
    const graph = graphOf(
      { x: ['batch', 'sequence', 4], past: ['batch', 2, 'past', 2], mask: ['batch', 'total'] },
      {
        ...{
          type: 'MultiHeadAttention',
          domain: 'com.microsoft',
          inputs: ['x', 'x', 'x', '', 'mask', '', 'past', 'past'],
        },
        ...{ outputs: ['y'], attributes: { num_heads: 2 } },
      },
    )
    expect(lift(graph).resolve('total')).toBe('total')
  })

  test('without a name are named after the input, and differ from input to input', () => {
    const graph = new Graph(createModel(17))
    for (const name of ['a', 'b']) graph.addInput(name, 'float32', [undefined, 3])
    const lifted = lift(new Graph(graph.model))
    expect([lifted.tensor('a').dims, lifted.tensor('b').dims]).toEqual([
      ['a_dim0', 3],
      ['b_dim0', 3],
    ])
  })

  test.each<[string, () => Tensor, boolean, string[]]>([
    ['are one where they are joined', () => concat([ids, mask], 2), true, []],
    ['are assumed to be one where a 1 would be stretched', () => add(ids, mask), true, ['mask 0', 'mask 1']],
    [
      'are assumed to be one where one is read at the row numbers of the other',
      () => gatherND(mask, numbers),
      true,
      ['mask 0', 'mask 1'],
    ],
    [
      'are assumed to be one where one is the rows that the other is divided into',
      () => add(ids, unsqueeze(viewed(input('mask', 'float32', ['b', 's'])), [2])),
      true,
      ['mask 0', 'mask 1'],
    ],
    [
      'are shown to be one downstream of where they are stretched',
      () => concat([add(ids, mask), concat([ids, mask], 2)], 2),
      true,
      [],
    ],
    [
      'are two where tokens attend to others',
      () => matmul(ids, swapLast(input('mask', 'float32', ['batch', 's', 4]))),
      false,
      [],
    ],
    ['are two where a 1 is stretched', () => add(ids, input('mask', 'float32', [1, 'tokens', 4])), false, []],
    [
      'are two where one is read at more rows than the other has',
      () =>
        gatherND(input('mask', 'float32', ['s', 4]), unsqueeze(range(0, add(squeeze(axisSize(ids, 1), [0]), 1)), [1])),
      false,
      [],
    ],
  ])('sizes of two inputs %s', (_, build, one, assumed) => {
    const result = withUnification((size) => size, build)
    const lifted = lift(new Graph(decodeModel(emitModel({ first: add(ids, 0), result }))))
    expect(Object.fromEntries(lifted.sameAs)).toEqual(one ? { b: 'batch', s: 'tokens' } : {})
    expect(lifted.assumed.map(({ input: name, axis }) => `${name} ${axis}`)).toEqual(assumed)
  })

  test.each([
    [
      ['a', 'a'],
      ['a', 'b'],
    ],
    [
      ['a', 'b'],
      ['a', 'a'],
    ],
  ])('given as formulas that share a name show what the other one is', (left, right) => {
    const graph = graphOf(
      { a: ['n', 4], b: ['m', 4] },
      { type: 'Concat', inputs: left, outputs: ['l'], attributes: { axis: 0 } },
      { type: 'Concat', inputs: right, outputs: ['r'], attributes: { axis: 0 } },
      { type: 'Add', inputs: ['l', 'r'], outputs: ['y'] },
    )
    expect(Object.fromEntries(lift(graph).sameAs)).toEqual({ m: 'n' })
  })

  test('sizes that exporters name by formulas are not confused with real formulas', () => {
    const graph = graphOf({ x: ['s0 + 1', 's0 - 1', '2*s0'] }, { type: 'Shape', inputs: ['x'], outputs: ['n'] })
    const dims = lift(graph).tensor('x').dims
    expect(new Set(dims).size).toBe(3)
    for (const dim of dims) expect(substituteDim(dim, { s0: 5 })).toBe(dim)
  })

  test('given as formulas show what their names are', () => {
    const graph = graphOf(
      { a: ['n', 4], b: ['m', 4], row: [1, 4] },
      { type: 'Concat', inputs: ['a', 'row'], outputs: ['a1'], attributes: { axis: 0 } },
      { type: 'Concat', inputs: ['b', 'row'], outputs: ['b1'], attributes: { axis: 0 } },
      { type: 'Add', inputs: ['a1', 'b1'], outputs: ['y'] },
    )
    const lifted = lift(graph)
    expect(Object.fromEntries(lifted.sameAs)).toEqual({ m: 'n' })
    expect(lifted.tensor('y').dims).toEqual(lifted.tensor('a1').dims)
  })

  test('sizes that are capped are whole where a reshape or a sum takes no other number of elements', () => {
    const cap = (...more: Parameters<typeof createNode>[0][]): Graph => {
      const graph = graphOf({ x: ['n', 4, 2], rows: ['n', 8] })
      for (const [name, data] of Object.entries({ most: [64], width: [8], first: [0] }))
        graph.addInitializer(name, { type: 'int64', dims: [1], data: BigInt64Array.from(data, BigInt) })
      const nodes = [
        { type: 'Shape', inputs: ['x'], outputs: ['n'], attributes: { end: 1 } },
        { type: 'Min', inputs: ['most', 'n'], outputs: ['capped'] },
        { type: 'Slice', inputs: ['rows', 'first', 'most', 'first'], outputs: ['cut'] },
        ...more,
      ]
      graph.insert(nodes.map(createNode))
      return new Graph(graph.model)
    }
    const target = { type: 'Concat', inputs: ['capped', 'width'], outputs: ['target'], attributes: { axis: 0 } }
    const reshaped = lift(cap(target, { type: 'Reshape', inputs: ['x', 'target'], outputs: ['y'] }))
    const added = lift(cap({ type: 'Add', inputs: ['cut', 'rows'], outputs: ['y'] }))
    for (const lifted of [reshaped, added]) expect(lifted.tensor('y').dims).toEqual(['n', 8])
    expect(reshaped.tensor('cut').dims).toEqual(['n', 8])
    expect(lift(cap()).tensor('cut').dims).toEqual(['min(n,64)', 8])
  })
})

describe('parts of a graph that are not understood', () => {
  test('unknown parts are opaque, with the declared type and shape, and do not hide what follows', () => {
    const graph = graphOf(
      { x: ['n', 8] },
      { type: 'Mystery', domain: 'com.example', inputs: ['x'], outputs: ['m'] },
      { type: 'Transpose', inputs: ['m'], outputs: ['y'], attributes: { perm: [1, 0] } },
    )
    graph.setValueInfo('m', 'float16', ['n', 5])
    const lifted = lift(graph)
    expect(String(lifted.tensor('y'))).toBe('float16[5,n]')
    expect(isOpaque(lifted.tensor('m').node.op)).toBe(true)
    expect(lifted.notes.map(({ node }) => node.opType)).toEqual(['Mystery'])
  })

  test('include a node whose shapes contradict each other, with the reason', () => {
    const graph = graphOf({ a: [2, 3], b: [4, 3] }, { type: 'Add', inputs: ['a', 'b'], outputs: ['y'] })
    const { notes, tensor } = lift(graph)
    expect(notes).toHaveLength(1)
    expect(notes[0]?.reason).toMatch(/2.*4|4.*2/)
    expect(tensor('y').hasShape).toBe(false)
  })

  test('do not include a weight in an unread data file, which keeps its shape', () => {
    const graph = graphOf({}, { type: 'Identity', inputs: ['w'], outputs: ['y'] })
    const tensor = graph.addInitializer('w', { dtype: 'int64', dims: [2], data: Float64Array.of(1, 2) })
    tensor.dataLocation = 1
    tensor.externalData = [{ key: 'location', value: 'w.bin' }] as never
    expect(String(lift(graph).tensor('y'))).toBe('int64[2]')
  })

  test('do not include the results of If, whose types come from its branches', () => {
    const graph = openFixture('deberta-v2-cls-ts17')
    const { notes, tensor } = lift(graph)
    expect(new Set(notes.map(({ node }) => node.opType))).toEqual(new Set(['If']))
    for (const { node } of notes) expect(tensor(node.output[0] as string).dtype).toBe('int64')
  })
})

describe('constants', () => {
  const value = (attributes: Record<string, number | number[]>) => {
    const graph = graphOf({}, { type: 'Constant', inputs: [], outputs: ['c'], attributes })
    const [result] = evaluate([lift(graph).tensor('c')], {})
    return { type: result?.type, dims: result?.dims, data: Array.from(result?.data as ArrayLike<number>, Number) }
  }

  test('reads constants in all their forms', () => {
    expect(value({ value_float: 2.5 })).toEqual({ type: 'float32', dims: [], data: [2.5] })
    expect(value({ value_int: -7 })).toEqual({ type: 'int64', dims: [], data: [-7] })
    expect(value({ value_floats: [1, 2] })).toEqual({ type: 'float32', dims: [2], data: [1, 2] })
    expect(value({ value_ints: [3, 4, 5] })).toEqual({ type: 'int64', dims: [3], data: [3, 4, 5] })
  })

  test.each([
    ['linear', [2], [1, 5]],
    ['per axis', [2, 2], [0, 1, 1, 2]],
  ])('fills up sparse constants, with %s indices', (_, dims, indices) => {
    const node = createNode({ type: 'Constant', inputs: [], outputs: ['c'] })
    const sparseTensor = create(SparseTensorProtoSchema, {
      dims: [2n, 3n],
      values: writeTensor({ dtype: 'float32', dims: [2], data: Float32Array.of(8, 9) }, 'values'),
      indices: writeTensor({ dtype: 'int64', dims, data: Float64Array.from(indices) }, 'indices'),
    })
    const type = AttributeProto_AttributeType.SPARSE_TENSOR
    node.attribute.push(create(AttributeProtoSchema, { name: 'value', type, sparseTensor }))
    const [result] = evaluate(liftNode(node, [], 17), {})
    expect(Array.from(result?.data as Float32Array)).toEqual([0, 8, 0, 0, 0, 9])
  })

  test('in data files are read only where their contents matter', () => {
    const read: number[] = []
    const external = (_: string, __: number, length: number): Uint8Array => {
      read.push(length)
      return new Uint8Array(length)
    }
    const graph = new Graph(decodeModel(fixture('bert-cls-external'), { external }))
    lift(graph)
    expect(graph.initializers.filter(({ dataLocation }) => dataLocation === 1).length).toBeGreaterThan(10)
    for (const length of read) expect(length).toBeLessThanOrEqual(4096 * 8)
    expect(read.length).toBeLessThan(4)
  })
})

describe('lifting', () => {
  test('does not depend on the order of the nodes in the file, and changes nothing', () => {
    const model = decodeModel(fixture('bert-cls-sdpa-ts14'))
    model.proto.graph?.node.reverse()
    const bytes = encodeModel(model)
    const graph = new Graph(model)
    expect(lift(graph).tensor('logits').dims).toEqual(lift(openFixture('bert-cls-sdpa-ts14')).tensor('logits').dims)
    expect(Buffer.compare(encodeModel(model), bytes)).toBe(0)
  })

  test('uses other values on request', () => {
    const graph = graphOf(
      { x: ['n', 8] },
      { type: 'Relu', inputs: ['x'], outputs: ['a'] },
      { type: 'Neg', inputs: ['a'], outputs: ['y'] },
    )
    const fewer = input('fewer', 'float32', ['k', 8])
    const lifted = lift(graph, { overrides: new Map([['a', fewer]]) })
    expect(lifted.tensor('y').dims).toEqual(['k', 8])
    expect(lifted.tensor('y').node.inputs).toEqual([fewer])
    expect(nodesBelow([lifted.tensor('y')])).toHaveLength(2)
    expect(lifted.names.get(lifted.tensor('y'))).toBe('y')
  })

  test('accepts a file with flipped bytes or refuses it with a code', () => {
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 48271) % 2147483647
      return seed % below
    }
    const codes = new Set<string>()
    for (const name of ['bert-cls-external', 'vit-cls-sdpa-dynamo18', 'deberta-v2-cls-ts17', 'distilbert-cls-int8']) {
      const bytes = fixture(name)
      for (let i = 0; i < 40; i++) {
        const broken = Uint8Array.from(bytes)
        for (let k = 0; k <= i % 3; k++) broken[random(broken.length)] = random(256)
        codes.add(errorCode(() => lift(new Graph(decodeModel(broken)))))
      }
    }
    for (const code of codes) expect(code).toMatch(/^(none|TP_\w+)$/)
    expect(codes.has('none')).toBe(true)
    expect(codes.size).toBeGreaterThan(1)
  })
})

describe('names from the file', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'] as const

  test.each(names)('may be %s for a value, a size, an operator, a domain and an attribute', (name) => {
    const graph = graphOf(
      { [`${name}x`]: [name, 2], y: ['n', 2] },
      { type: 'Add', inputs: [`${name}x`, 'y'], outputs: [name] },
      { type: name, inputs: [name], outputs: ['foreign'], domain: name },
      { type: 'Relu', inputs: [name], outputs: ['r'], attributes: { ['__proto__' as string]: 1, [name]: 1 } },
    )
    const lifted = lift(graph)
    expect(lifted.tensor(name).dims).toEqual([name, 2])
    expect(lifted.resolve('n')).toBe(name)
    expect(isOpaque(lifted.tensor('foreign').node.op)).toBe(true)
    expect(lifted.tensor('r').dims).toEqual([name, 2])
  })

  test('may be __proto__ without effect on other attributes', () => {
    const node = createNode({ type: 'Softmax', inputs: ['x'], outputs: ['y'] })
    node.attribute.push(
      create(AttributeProtoSchema, { name: '__proto__', type: AttributeProto_AttributeType.INT, i: 1n }),
    )
    expect(readAttributes(node)).not.toHaveProperty('axis')
    expect(Object.keys(readAttributes(node) ?? {})).toEqual(['__proto__'])
  })

  test('shortens names where a size has one of megabytes, the same way everywhere', () => {
    const long = 'n'.repeat(2_000_000)
    const graph = graphOf(
      { x: [long], y: [long] },
      { type: 'Concat', inputs: ['x', 'y'], outputs: ['z'], attributes: { axis: 0 } },
    )
    const [size] = lift(graph).tensor('x').dims as [string]
    expect(size.length).toBeLessThan(100)
    expect(lift(graph).tensor('z').dims).toEqual([`2*${size}`])
  })
})

describe('graphs that grow without bound', () => {
  test('may chain names, each equal to the next, which are followed to the end', () => {
    const count = 2000
    const inputs = Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, [`s${i}`]]))
    const nodes = Array.from({ length: count - 1 }, (_, i) => ({
      type: 'Add',
      inputs: [`x${count - 2 - i}`, `x${count - 1 - i}`],
      outputs: [`y${i}`],
    }))
    const lifted = lift(graphOf(inputs, ...nodes))
    expect(lifted.resolve(`s${count - 1}`)).toBe('s0')
    expect(lifted.tensor('y0').dims).toEqual(['s0'])
  })

  test('have unknown sizes after too much arithmetic, and known ones where it is not needed', () => {
    const steps = 3000
    const graph = graphOf(
      { x: ['n'] },
      { type: 'Shape', inputs: ['x'], outputs: ['s0'] },
      ...Array.from({ length: steps }, (_, i) => [
        { type: 'Mul', inputs: [`s${i}`, 's0'], outputs: [`p${i}`] },
        { type: 'Add', inputs: [`p${i}`, 's0'], outputs: [`s${i + 1}`] },
      ]).flat(),
      { type: 'Relu', inputs: ['x'], outputs: ['y'] },
    )
    const lifted = lift(graph)
    expect(lifted.tensor('s2').value).toEqual(['n+n*n+n*n*n'])
    // Nothing is known of it, or only that it is one number.
    expect(lifted.tensor(`s${steps}`).value?.every(isUnknown) ?? true).toBe(true)
    expect(lifted.tensor('y').dims).toEqual(['n'])
  })

  test('may have a node with more inputs than a call takes arguments', () => {
    const names = Array.from({ length: 60_000 }, (_, i) => `a${i}`)
    const graph = graphOf(
      { x: [1] },
      { type: 'Sum', inputs: names, outputs: ['y'] },
      ...names.slice(0, 30_000).map((name) => ({ type: 'Neg', inputs: ['x'], outputs: [name] })),
    )
    expect(() => lift(graph)).not.toThrow()
  })

  test('refuses more nodes than models have', () => {
    const { model } = graphOf({ a0: [1] })
    const node = createNode({ type: 'Neg', inputs: ['a0'], outputs: ['b'] })
    for (let i = 0; i < 70_000; i++) model.proto.graph?.node.push(node)
    expect(errorCode(() => new Graph(model))).toBe('TP_TOO_COMPLEX')
  })
})

import { readFileSync } from 'node:fs'
import { create, toBinary } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType, AttributeProtoSchema, GraphProtoSchema, type NodeProto } from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { errorCode, fixture, onnxFiles } from '../../test/shared.ts'
import { createModel, decodeModel, encodeModel } from '../file/model.ts'
import { Graph } from './graph.ts'
import { createNode } from './node.ts'

/** x → Relu → a → Neg → y, with a weight `w` added in between and a dead Abs on the side. */
function chain(): Graph {
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', ['n', 2])
  graph.addOutput('y', 'float32', ['n', 2])
  graph.addInitializer('w', { dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) })
  graph.insert([
    createNode({ type: 'Relu', inputs: ['x'], outputs: ['a'] }),
    createNode({ type: 'Add', inputs: ['a', 'w'], outputs: ['b'] }),
    createNode({ type: 'Abs', inputs: ['a'], outputs: ['idle'] }),
    createNode({ type: 'Neg', inputs: ['b'], outputs: ['y'] }),
  ])
  return new Graph(decodeModel(encodeModel(graph.model)))
}

function types(graph: Graph): string[] {
  return graph.nodes.map((node) => node.opType)
}

function find(graph: Graph, type: string): NodeProto {
  return graph.nodes.find((node) => node.opType === type) as NodeProto
}

/** If(c): then Neg(a), else an If whose branches output `a` and `w` themselves. */
function withBody(): Graph {
  const body = (nodes: NodeProto[], output: string) =>
    create(GraphProtoSchema, { name: 'body', node: nodes, output: [{ name: output }] })
  const attribute = (name: string, g: ReturnType<typeof body>) =>
    create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g })
  const inner = createNode({ type: 'If', inputs: ['c'], outputs: ['deep'] })
  inner.attribute.push(attribute('then_branch', body([], 'a')), attribute('else_branch', body([], 'w')))
  const node = createNode({ type: 'If', inputs: ['c'], outputs: ['z'] })
  node.attribute.push(
    attribute('then_branch', body([createNode({ type: 'Neg', inputs: ['a'], outputs: ['t'] })], 't')),
    attribute('else_branch', body([inner], 'deep')),
  )
  const graph = chain()
  graph.addInitializer('c', { dtype: 'bool', dims: [], data: Float64Array.of(1) })
  graph.insert([node])
  graph.addOutput('z', 'float32', [undefined, 2])
  return graph
}

describe('a graph', () => {
  test('finds producers, readers, inputs and outputs', () => {
    const graph = chain()
    expect(graph.producer('a')).toBe(find(graph, 'Relu'))
    expect(graph.producer('x')).toBeUndefined()
    expect(graph.consumers('a').map(({ node, index }) => [node.opType, index])).toEqual([
      ['Add', 0],
      ['Abs', 0],
    ])
    expect(graph.inputs).toEqual([{ name: 'x', type: 'float32', dims: ['n', 2] }])
    expect(graph.isOutput('y')).toBe(true)
    expect(graph.isUsed('idle')).toBe(false)
    expect(graph.uniqueName('a')).toBe('a_1')
    expect(graph.uniqueName('a')).toBe('a_2')
  })

  test('finds a free name as quickly where there are many', () => {
    const graph = new Graph(createModel(17))
    const start = performance.now()
    for (let i = 0; i < 100_000; i++) graph.uniqueName('a')
    expect(graph.uniqueName('a')).toBe('a_100000')
    expect(performance.now() - start).toBeLessThan(5000)
  })

  test('counts a body as a reader of what it captures, at any depth', () => {
    const graph = withBody()
    expect(graph.consumers('a').filter(({ index }) => index === -1)).toEqual([{ node: find(graph, 'If'), index: -1 }])
    expect(graph.consumers('w').some(({ index }) => index === -1)).toBe(true)
    expect(graph.uniqueName('deep')).toBe('deep_1')
  })

  test('does not count weights as inputs, even if an old file lists them', () => {
    const model = createModel(7)
    expect(model.proto.irVersion).toBe(3n)
    const graph = new Graph(model)
    graph.addInitializer('w', { dtype: 'int64', dims: [1], data: Float64Array.of(3) })
    expect(graph.proto.input.map(({ name }) => name)).toEqual(['w'])
    expect(graph.inputs).toEqual([])
  })
})

describe('edits', () => {
  test('replace a value for every reader except the given one, even in bodies', () => {
    const graph = withBody()
    const guard = createNode({ type: 'Identity', inputs: ['a'], outputs: ['a2'] })
    graph.insert([guard], find(graph, 'Add'))
    graph.replaceAllUses('a', 'a2', { except: [guard] })
    expect(types(graph)).toEqual(['Relu', 'Identity', 'Add', 'Abs', 'Neg', 'If'])
    expect(find(graph, 'Add').input).toEqual(['a2', 'w'])
    expect(guard.input).toEqual(['a'])
    const branches = find(graph, 'If').attribute.map(({ g }) => g)
    expect(branches[0]?.node[0]?.input).toEqual(['a2'])
    expect(branches[1]?.node[0]?.attribute[0]?.g?.output[0]?.name).toBe('a2')
    expect(graph.consumers('a').map(({ node }) => node)).toEqual([guard])
    expect(graph.consumers('a2')).toHaveLength(3)
  })

  test('give an output of the graph another producer', () => {
    const graph = chain()
    const neg = find(graph, 'Neg')
    graph.renameOutput(neg, 0, graph.uniqueName('y'))
    graph.insert([createNode({ type: 'Tanh', inputs: neg.output, outputs: ['y'] })])
    expect(graph.outputs.map(({ name }) => name)).toEqual(['y'])
    expect(graph.producer('y')?.opType).toBe('Tanh')
    expect(graph.producer('y_1')).toBe(neg)
  })

  test('remove only what the edit left without readers', () => {
    const graph = chain()
    graph.setValueInfo('b', 'float32', [undefined, 2])
    graph.replaceInput(find(graph, 'Neg'), 0, 'a')
    expect(graph.removeDeadNodes().map((node) => node.opType)).toEqual(['Add'])
    expect(types(graph)).toEqual(['Relu', 'Abs', 'Neg'])
    expect(graph.initializer('w')).toBeUndefined()
    expect(graph.proto.valueInfo).toEqual([])
  })

  test('keep what a body reads', () => {
    const graph = withBody()
    graph.replaceInput(find(graph, 'Neg'), 0, 'a')
    graph.removeDeadNodes()
    expect(graph.initializer('w')).toBeDefined()
    expect(types(graph)).toEqual(['Relu', 'Abs', 'Neg', 'If'])
  })

  test('a node without an output, or with outputs that have no name, does not follow an edit', () => {
    for (const outputs of [[], ['', '']]) {
      const node = createNode({ type: 'Neg', inputs: ['x'], outputs })
      expect(errorCode(() => chain().insert([node]))).toBe('TP_NAME')
      const { model } = chain()
      model.proto.graph?.node.unshift(node)
      expect(errorCode(() => new Graph(model))).toBe('TP_NAME')
    }
  })

  test('never give a name twice', () => {
    const graph = chain()
    expect(errorCode(() => graph.insert([createNode({ type: 'Neg', inputs: ['x'], outputs: ['a'] })]))).toBe('TP_NAME')
    expect(errorCode(() => graph.addInitializer('b', { dtype: 'bool', dims: [], data: Float64Array.of(1) }))).toBe(
      'TP_NAME',
    )
    expect(errorCode(() => graph.remove(createNode({ type: 'Neg', inputs: [], outputs: [] })))).toBe('TP_NODE')
  })

  test('move only nodes that come after their reader when sorting', () => {
    const graph = chain()
    graph.insert([createNode({ type: 'Exp', inputs: ['late'], outputs: ['e'] })], find(graph, 'Add'))
    graph.insert([createNode({ type: 'Log', inputs: ['a'], outputs: ['late'] })])
    graph.sortTopologically()
    expect(types(graph)).toEqual(['Relu', 'Log', 'Exp', 'Add', 'Abs', 'Neg'])
    graph.replaceInput(find(graph, 'Relu'), 0, 'e')
    expect(() => graph.sortTopologically()).toThrow(/Relu|Log|Exp/)
  })
})

describe('an edit changes only what was edited', () => {
  for (const name of ['bert-cls-optimum', 'vit-cls-sdpa-dynamo18', 'deberta-v2-cls-ts17', 'bert-cls-external']) {
    test(name, () => {
      const bytes = fixture(name)
      const graph = new Graph(decodeModel(bytes))
      const target = graph.nodes.find((node) => node.opType === 'Softmax') as NodeProto
      const [value] = target.input as [string]
      const added = graph.uniqueName('added')
      graph.addInitializer('one', { dtype: 'float32', dims: [], data: Float32Array.of(1) })
      graph.insert([createNode({ type: 'Mul', inputs: [value, 'one'], outputs: [added] })], target)
      graph.replaceInput(target, 0, added)
      expect(graph.removeDeadNodes()).toEqual([])
      graph.sortTopologically()

      // Undo the edit on a fresh reading of the result, by hand: the rest must be the original file.
      const { proto } = decodeModel(encodeModel(graph.model))
      const edited = proto.graph as NonNullable<typeof proto.graph>
      const at = edited.node.findIndex((node) => node.output[0] === added)
      edited.node.splice(at, 1)
      const reader = edited.node[at] as NodeProto
      reader.input[0] = value
      expect(edited.initializer.pop()?.name).toBe('one')
      expect(Buffer.compare(encodeModel({ ...graph.model, proto }), bytes)).toBe(0)
    })
  }

  test('reading, opening, sorting and cleaning do not change a file', () => {
    for (const { path } of onnxFiles()) {
      const bytes = readFileSync(path)
      const graph = new Graph(decodeModel(bytes))
      graph.sortTopologically()
      graph.removeDeadNodes()
      expect(Buffer.compare(encodeModel(graph.model), bytes), path).toBe(0)
    }
  })

  test('a node is written with the attributes it was given', () => {
    const node = createNode({
      type: 'Attention',
      domain: 'com.microsoft',
      inputs: ['x'],
      outputs: ['y'],
      attributes: { num_heads: 4, scale: 1, axes: [0, -1], mode: 'linear', ends: [2 ** 63] },
    })
    const byName = new Map(node.attribute.map((attribute) => [attribute.name, attribute]))
    expect(byName.get('num_heads')?.i).toBe(4n)
    expect(byName.get('scale')?.f).toBe(1)
    expect(byName.get('axes')?.ints).toEqual([0n, -1n])
    expect(byName.get('ends')?.ints).toEqual([9223372036854775807n])
    expect(new TextDecoder().decode(byName.get('mode')?.s)).toBe('linear')
    expect(toBinary(GraphProtoSchema, create(GraphProtoSchema, { node: [node] })).length).toBeGreaterThan(0)
  })
})

test('a fraction in an attribute that is written as integers is refused with its name', () => {
  const node = () => createNode({ type: 'Odd', inputs: ['x'], outputs: ['y'], attributes: { slopes: [0.5] } })
  expect(errorCode(node)).toBe('TP_ATTRIBUTE')
  expect(node).toThrow(/slopes/)
})

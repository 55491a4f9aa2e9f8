import {
  add,
  axisSize,
  concat,
  constant,
  expand,
  flatten,
  gather,
  gelu,
  gemm,
  input,
  layerNormalization,
  matmul,
  mean,
  mul,
  reshape,
  slice,
  softmax,
  splitAxis,
  squeeze,
  sub,
  sum,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { applyOne, type Dim, type Op, operators } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import { decodeModel, emitModel, encodeModel, Graph, lift, type NodeProto } from '@tp/onnx'
import { seeded } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { difference, float32, numbers, run } from '../../test/run.ts'
import { Program, withEqualSizes } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { editing, leadingRows, Rewriter } from '../prune/rows.ts'
import { change, commit } from './flow.ts'
import { follow } from './follow.ts'
import type { Flow, TokenPosition } from './operator.ts'

const [B, N, K, D] = [2, 6, 4, 4]

/** These name the size of the batch in a shape. */
const fixedBatchOnly = new Set([
  'Expand of a mask row',
  'Expand of a value [b,n,1]',
  'Gemm between flattening Reshapes',
])

/** A graph over x [b,n,D] for n tokens; tables and shapes are those of n tokens. */
type Build = (x: Tensor, n: number, b: Dim) => Tensor

/** Cuts the first K tokens out of x and makes the rest of the graph follow. */
function keepFirst(model: Uint8Array): { graph: Graph; reads: number; positions: TokenPosition[] } {
  return withEqualSizes(() => {
    const program = new Program(decodeModel(model))
    const { graph } = program
    const readers = graph.consumers('x').map(({ node, index }) => ({ node, index }))
    const original = new Set(graph.nodes)
    const rewriter = new Rewriter(program, 'x', leadingRows(K), "K'", 'cut')
    let reads = 0
    const positions: TokenPosition[] = []
    const flow: Flow = {
      ...editing(rewriter),
      count: "K'",
      before: program.tensor('x').dims[1] as Dim,
      changed: new Map(),
      reads: (tokens) => (reads = Math.max(reads, tokens)),
      readsAt: (position) => positions.push(position),
    }
    const [first] = readers
    const taken = rewriter.take('x', [1], 3, first?.node as NodeProto)
    for (const { node, index } of readers) graph.replaceInput(node, index, taken.name)
    change(flow, taken.name, taken.tensor)
    graph.sortTopologically()
    follow(flow, new Set(graph.nodes.filter((node) => !original.has(node))))
    commit(flow)
    graph.removeDeadNodes()
    return { graph, reads, positions }
  })
}

function values(count: number, seed: number): number[] {
  const normal = seeded(seed)
  return Array.from({ length: count }, normal)
}

function table(dims: readonly number[], seed = 5): Tensor {
  return constant(
    values(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ),
    'float32',
    dims,
  )
}

/** The first n rows of a table, as a constant of that size. */
function rowsOf(n: number, columns: number, seed = 6): Tensor {
  return constant(values(N * columns, seed).slice(0, n * columns), 'float32', [n, columns])
}

/** Along the last axis of x [b,channels,n]. */
function convolution(x: Tensor, weights: Tensor): Tensor {
  const [size] = weights.dims.slice(2) as [number]
  return applyOne(operators.get('Conv') as Op, [x, weights], {
    ...{ kernel_shape: [size], strides: [1], dilations: [1], pads: [(size - 1) / 2, (size - 1) / 2], group: 1 },
  })
}

/** By statistics of each channel of x [b,channels,…]. */
function batchNormalization(x: Tensor, channels: number): Tensor {
  const [scale, bias, mean, root] = [2, 3, 4, 7].map((seed) => table([channels], seed)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ]
  const inputs = [x, scale, bias, mean, mul(root, root)]
  return applyOne(operators.get('BatchNormalization') as Op, inputs, { epsilon: 1e-3 })
}

const x = values(B * N * D, 1)
const whole: TensorLike = float32([B, N, D], x)
const first: TensorLike = float32(
  [B, K, D],
  x.filter((_, i) => Math.floor(i / D) % N < K),
)

const perToken: Readonly<Record<string, Build>> = {
  'Add of a table [n,D]': (x, n) => add(x, rowsOf(n, D)),
  'Mul of a column [n,1]': (x, n) => mul(x, rowsOf(n, 1)),
  'Where with a table on either side': (x, n) =>
    where(
      constant(
        Array.from({ length: n }, (_, i) => i % 2),
        'bool',
        [n, 1],
      ),
      x,
      rowsOf(n, D),
    ),
  MatMul: (x) => matmul(x, table([D, 3])),
  'MatMul of two streams, biased by [n,n]': (x, n) => {
    const bias = constant(
      Array.from({ length: n * n }, (_, i) => Math.sin((i % n) - 3 * Math.floor(i / n))),
      'float32',
      [n, n],
    )
    return softmax(add(matmul(x, swapLast(x)), bias))
  },
  'MatMul with a table for each token': (x, n) =>
    matmul(unsqueeze(x, 2), constant(values(N * D * 3, 9).slice(0, n * D * 3), 'float32', [n, D, 3])),
  'Gemm between flattening Reshapes': (x, n) => reshape(gemm(reshape(x, [B * n, D]), table([D, 3])), [B, n, 3]),
  'Reshape into heads and back': (x, n, b) => reshape(gelu(reshape(x, [b, n, 2, D / 2])), [b, n, D]),
  'Reshape with -1 for the tokens': (x, _, b) => reshape(x, [b, -1, 2, D / 2]),
  'Reshape and Transpose, heads before tokens': (x, n, b) => transpose(reshape(x, [b, n, 2, D / 2]), [0, 2, 1, 3]),
  'Expand of a mask row': (x, n) =>
    add(matmul(x, swapLast(x)), expand(constant(values(N, 3).slice(0, n), 'float32', [1, 1, n]), [B, n, n])),
  'Expand of a value [b,n,1]': (x, n) => expand(mean(x, 2, { keepDims: true }), [B, n, 3]),
  'Reshape of each token into two rows': (x, n, b) => reshape(x, [b, n * 2, D / 2]),
  'Concat of features': (x, n) => concat([x, expand(unsqueeze(rowsOf(n, 2), 0), [axisSize(x, 0), n, 2])], 2),
  'LayerNormalization over features': (x) => layerNormalization(x, table([D]), undefined, 1e-5),
  'BatchNormalization of features': (x) => swapLast(batchNormalization(swapLast(x), D)),
  'Conv that takes each token by itself': (x) => swapLast(convolution(swapLast(x), table([3, D, 1]))),
  'Split of features': (x) => splitAxis(x, [1, 3], 2)[1] as Tensor,
  'Squeeze and Unsqueeze': (x) => squeeze(unsqueeze(x, [1, 3]), [1]),
  'Slice of features': (x) => slice(x, { axis: 2, start: 1, end: 3 }),
  'Gather of a feature': (x) => gather(x, 2, 2),
  'Reduce over features': (x) => sum(mul(x, x), 2),
  'Reduce over tokens': (x) => mean(x, 1),
  'Softmax over tokens': (x) => softmax(x, 1),
  'Gather of the first token': (x) => gather(x, 0, 1),
  'Slice of the first two tokens': (x) => slice(x, { axis: 1, start: 0, end: 2 }),
  'Slice that omits the first token': (x, n) => slice(x, { axis: 1, start: 1, end: n }),
}

describe('a repaired graph computes what the same graph for fewer tokens computes', () => {
  for (const [name, build] of Object.entries(perToken)) {
    for (const batch of fixedBatchOnly.has(name) ? [B] : ['batch']) {
      test(`${name}, ${batch === B ? 'fixed' : 'free'} batch`, async () => {
        const graphFor = (n: number): Uint8Array => {
          const stream = input('x', 'float32', [batch, n, D])
          return emitModel({ y: build(stream, n, batch) })
        }
        const { graph } = keepFirst(graphFor(N))
        const [cut, expected] = [await run(graph.model, { x: whole }), await run(graphFor(K), { x: first })]
        expect(cut.y?.dims).toEqual(expected.y?.dims)
        expect(difference(numbers(cut.y), numbers(expected.y))).toBeLessThan(1e-6)
      })
    }
  }

  test('counts what is read by position', () => {
    const model = (y: (x: Tensor) => Tensor): Uint8Array => emitModel({ y: y(input('x', 'float32', [B, N, D])) })
    expect(keepFirst(model((x) => gather(x, 0, 1))).reads).toBe(1)
    expect(keepFirst(model((x) => gather(x, constant([0, 2], 'int64'), 1))).reads).toBe(3)
    expect(keepFirst(model((x) => slice(x, { axis: 1, start: 1 }))).reads).toBe(1)
    expect(keepFirst(model((x) => slice(x, { axis: 1, start: 0, end: 2 }))).reads).toBe(2)
    expect(keepFirst(model((x) => splitAxis(x, [2, 4], 1)[0] as Tensor)).reads).toBe(2)
    expect(keepFirst(model((x) => gather(x, -1, 1))).positions).toEqual([{ fromEnd: 1 }])
    expect(keepFirst(model((x) => mean(x, 1))).reads).toBe(0)
  })
})

/** Leading tokens taken apart from N - 2 others, of which the graph knows how many there are; `n`: what the file says. */
function leadingApart(n: number | undefined): Uint8Array {
  const stream = input('x', 'float32', ['b', 'n', D])
  const kept = sub(axisSize(stream, 1), N - 2)
  const [start, rest] = [slice(stream, { axis: 1, start: 0, end: kept }), slice(stream, { axis: 1, start: kept })]
  const model = decodeModel(emitModel({ start, rest }))
  expect(model.proto.graph?.node.map(({ opType }) => opType)).toContain('Shape')
  if (n !== undefined) new Graph(model).setValueInfo('x', 'float32', ['b', n, D])
  return encodeModel(model)
}

test('keeps the number of leading tokens that depends on how many others there are', async () => {
  const { graph, reads } = keepFirst(leadingApart(N))
  expect(reads).toBe(2)
  const { start, rest } = await run(graph.model, { x: whole })
  expect([start?.dims, rest?.dims]).toEqual([
    [B, 2, D],
    [B, K - 2, D],
  ])
  const tokens = (from: number, to: number): number[] =>
    numbers(first).filter((_, i) => from <= Math.floor(i / D) % K && Math.floor(i / D) % K < to)
  expect([numbers(start), numbers(rest)]).toEqual([tokens(0, 2), tokens(2, K)])
  expect(() => keepFirst(leadingApart(undefined))).toThrow(Refused)
})

describe('refusals of operators that cannot follow the tokens', () => {
  const refused: Readonly<Record<string, readonly [Build, string]>> = {
    'a weight for every position': [(x, n) => matmul(swapLast(x), rowsOf(n, 3)), 'TP_TOKEN_MIXING'],
    'a flattened row': [(x, n) => gemm(flatten(x), table([n * D, 2])), 'TP_TOKEN_MIXING'],
    'windows of two': [(x, n) => mean(reshape(x, [B, n / 2, 2, D]), 2), 'TP_TOKEN_AXIS'],
    'the middle of the row': [(x, n) => slice(x, { axis: 1, start: 1, end: n - 1 }), 'TP_READS'],
    'the last token after the first is removed': [
      (x) => gather(slice(x, { axis: 1, start: 1 }), -1, 1),
      'TP_LAST_TOKEN',
    ],
    'a convolution over three tokens': [(x) => convolution(swapLast(x), table([3, D, 3])), 'TP_UNSUPPORTED_OP'],
    'statistics for every position': [(x, n) => batchNormalization(x, n), 'TP_UNSUPPORTED_OP'],
    'tokens normalized together': [
      (x, n) => transpose(layerNormalization(swapLast(x), table([n]), undefined, 1e-5), [0, 2, 1]),
      'TP_UNSUPPORTED_OP',
    ],
  }
  for (const [name, [build, code]] of Object.entries(refused)) {
    test(name, () => {
      const model = emitModel({ y: build(input('x', 'float32', [B, N, D]), N, B) })
      if (code === 'TP_READS') {
        // not refused here: all of these tokens have to be kept at their positions
        expect(keepFirst(model).reads).toBe(N - 1)
        return
      }
      try {
        keepFirst(model)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(Refused)
        expect((error as Refused).refusal.code).toBe(code)
        expect((error as Refused).refusal.node).toBeDefined()
      }
    })
  }
})

test('cuts a mask that Expand repeated for every query once, along the keys', async () => {
  const bias = input('m', 'float32', ['b', 1, 1, 'n'])
  const stream = input('x', 'float32', ['b', 'n', D])
  const wide = expand(bias, [axisSize(bias, 0), 1, axisSize(bias, 3), axisSize(bias, 3)])
  const scores = unsqueeze(matmul(stream, swapLast(stream)), 1)
  const { graph } = keepFirst(emitModel({ y: softmax(add(scores, mul(wide, -3))) }))
  const added = graph.producer(graph.nodes.find(({ opType }) => opType === 'Softmax')?.input[0] as string)
  const shapes = withEqualSizes(() => added?.input.map((name) => lift(graph).tensor(name).dims) ?? [])
  expect(shapes).toContainEqual(['b', 1, 1, expect.anything()])
  const mask = values(B * N, 8)
  const cut = await run(graph.model, { x: whole, m: float32([B, 1, 1, N], mask) })
  const [small] = [emitModel({ y: softmax(add(scores, mul(wide, -3))) })]
  const expected = await run(small, {
    x: first,
    m: float32(
      [B, 1, 1, K],
      mask.filter((_, i) => i % N < K),
    ),
  })
  expect(difference(numbers(cut.y), numbers(expected.y))).toBeLessThan(1e-6)
})

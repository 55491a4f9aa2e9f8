import {
  abs,
  add,
  applyOne,
  cast,
  clip,
  concat,
  constant,
  cos,
  cumSum,
  div,
  einsum,
  erf,
  evaluate,
  exp,
  expand,
  flatten,
  gather,
  gatherElements,
  gatherND,
  gelu,
  gemm,
  greater,
  identity,
  input,
  layerNormalization,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  neg,
  norm1,
  norm2,
  type Op,
  operators,
  pad,
  pow,
  prod,
  reciprocal,
  relu,
  reshape,
  round,
  scatterElements,
  scatterND,
  sigmoid,
  sin,
  slice,
  softmax,
  softplus,
  splitAxis,
  sqrt,
  squeeze,
  stopGradient,
  sub,
  sum,
  sumSquare,
  swapLast,
  type Tensor,
  tanh,
  tile,
  topK,
  transpose,
  triangle,
  unsqueeze,
  where,
} from '@tp/core'
import { describe, expect, test } from 'vitest'
import { checkGradients, lossOf, type Operation } from '../test/central-differences.ts'
import { gradients } from './index.ts'
import { rules } from './rules/index.ts'

const positive = (x: number): number => 0.3 + Math.abs(x)
const ints = (dims: readonly number[], data: readonly number[]): Tensor => constant(data, 'int64', dims)
const op = (name: string, inputs: readonly Tensor[], attributes: Parameters<typeof applyOne>[2] = {}): Tensor =>
  applyOne(operators.get(name) as Op, inputs, attributes)

const one = (name: string, of: (x: Tensor) => Tensor, domain?: Operation['domain']): Operation => ({
  name,
  shapes: [[2, 3, 4]],
  of,
  ...(domain && { domain }),
})
const two = (name: string, of: (a: Tensor, b: Tensor) => Tensor, domain?: Operation['domain']): Operation[] =>
  [
    [
      [2, 3],
      [2, 3],
    ],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [[4], [2, 1, 4]],
    [[], [2, 3]],
  ].map((shapes) => ({ name, shapes, of, ...(domain && { domain }) }))

const operations: readonly Operation[] = [
  ...two('Add', add),
  ...two('Sub', sub),
  ...two('Mul', mul),
  ...two('Div', div, positive),
  ...two('Pow', pow, positive),
  ...two('Max', maximum),
  ...two('Min', minimum),
  ...two('Where', (a, b) => where(greater(a, 0.1), mul(a, 2), b)),
  one('Neg', neg),
  one('Abs', abs),
  one('Exp', exp),
  one('Log', log, positive),
  one('Sqrt', sqrt, positive),
  one('Reciprocal', reciprocal, positive),
  one('Erf', erf),
  one('Tanh', tanh),
  one('Sigmoid', sigmoid),
  one('Relu', relu),
  one('Softplus', softplus),
  one('Sin', sin),
  one('Cos', cos),
  one('Identity', identity),
  one('Cast', (x) => cast(mul(x, x), 'float64')),
  one('Clip', (x) => clip(x, -0.5, 0.4)),
  one('Clip', (x) => clip(x, -0.5)),
  one('Dropout', (x) => op('Dropout', [x])),
  one('Gelu', (x) => gelu(x)),
  one('Gelu', (x) => gelu(x, 'tanh')),
  ...[
    [
      [3, 4],
      [4, 5],
    ],
    [
      [2, 3, 4],
      [4, 5],
    ],
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    [
      [1, 3, 4],
      [2, 4, 5],
    ],
    [
      [3, 4],
      [2, 4, 5],
    ],
    [[4], [4, 5]],
    [[2, 3, 4], [4]],
    [[4], [4]],
  ].map((shapes) => ({ name: 'MatMul', shapes, of: matmul })),
  { name: 'Gemm', shapes: [[3, 4], [4, 5], [5]], of: (x, w, b) => gemm(x, w, b) },
  {
    name: 'Gemm',
    shapes: [
      [3, 4],
      [5, 4],
      [3, 1],
    ],
    of: (x, w, b) => gemm(x, w, b, true),
  },
  {
    name: 'Gemm',
    shapes: [[4, 3], [5, 4], [1]],
    of: (x, w, b) => op('Gemm', [x, w, b], { alpha: 0.5, beta: 2, transA: 1, transB: 1 }),
  },
  {
    name: 'Einsum',
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
    ],
    of: (a, b) => einsum('bnd,bmd->bnm', a, b),
  },
  { name: 'Einsum', shapes: [[2, 3], [3, 4], [4]], of: (a, b, c) => einsum('ij,jk,k->i', a, b, c) },
  ...[[0], [1, 2], [0, 1, 2]].flatMap((axes) =>
    [true, false].flatMap((keepDims) => [
      one('ReduceSum', (x) => sum(x, axes, { keepDims })),
      one('ReduceMean', (x) => mean(x, axes, { keepDims })),
      one('ReduceMax', (x) => max(x, axes, { keepDims })),
      one('ReduceMin', (x) => min(x, axes, { keepDims })),
      one('ReduceProd', (x) => prod(x, axes, { keepDims }), positive),
      one('ReduceL1', (x) => norm1(x, axes, { keepDims })),
      one('ReduceL2', (x) => norm2(x, axes, { keepDims })),
      one('ReduceSumSquare', (x) => sumSquare(x, axes, { keepDims })),
    ]),
  ),
  one('Softmax', (x) => softmax(x)),
  one('Softmax', (x) => softmax(x, 1)),
  one('LogSoftmax', (x) => logSoftmax(x, -1)),
  {
    name: 'LayerNormalization',
    shapes: [[2, 3, 4], [4], [4]],
    of: (x, s, b) => layerNormalization(x, s, b, 1e-5),
  },
  {
    name: 'LayerNormalization',
    shapes: [
      [2, 3, 4],
      [3, 4],
      [1, 4],
    ],
    of: (x, s, b) => op('LayerNormalization', [x, s, b], { axis: 1, epsilon: 1e-3 }),
  },
  { name: 'RMSNormalization', shapes: [[2, 4], [4]], of: (x, s) => op('RMSNormalization', [x, s], { axis: -1 }) },
  {
    name: 'SimplifiedLayerNormalization',
    shapes: [[2, 4], [4]],
    of: (x, s) => op('SimplifiedLayerNormalization', [x, s], { axis: -1 }),
  },
  one('Reshape', (x) => reshape(x, [4, 6])),
  one('Flatten', (x) => flatten(x, 2)),
  one('Squeeze', (x) => squeeze(unsqueeze(x, 1), 1)),
  one('Unsqueeze', (x) => unsqueeze(x, [0, 3])),
  one('Transpose', (x) => transpose(x, [2, 0, 1])),
  one('Transpose', swapLast),
  { name: 'Expand', shapes: [[3, 1]], of: (x) => expand(x, [2, 3, 4]) },
  {
    name: 'Concat',
    shapes: [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    of: (...parts) => concat(parts, 1),
  },
  one('Split', (x) => splitAxis(x, [1, 2, 1], 2)[1] as Tensor),
  one('Split', (x) => add(...(splitAxis(x, [2, 2], 2) as [Tensor, Tensor]))),
  one('Slice', (x) => slice(x, { axis: 1, start: 1, end: 3 })),
  one('Slice', (x) => slice(x, { axis: 2, start: -2 })),
  one('Slice', (x) => slice(x, { axis: 0, start: 0, end: 1 })),
  one('Pad', (x) => pad(x, [0, 1, 0, 2, 0, 1], 3)),
  one('Tile', (x) => tile(x, [2, 1, 3])),
  { name: 'Trilu', shapes: [[2, 3, 4]], of: (x) => triangle(x, 'upper', 1) },
  { name: 'Trilu', shapes: [[3, 3]], of: (x) => triangle(x, 'lower') },
  one('Gather', (x) => gather(x, ints([2, 2], [1, 1, 0, 1]), 0)),
  one('Gather', (x) => gather(x, ints([3], [2, 0, 2]), 1)),
  one('Gather', (x) => gather(x, ints([2, 2], [3, 0, 3, 1]), 2)),
  one('Gather', (x) => gather(x, 1, 1)),
  one('Gather', (x) => gather(x, -1, 2)),
  one('GatherElements', (x) => gatherElements(x, ints([2, 2, 4], [2, 0, 1, 1, 2, 0, 0, 1, 0, 0, 0, 0, 2, 2, 2, 2]), 1)),
  one('GatherND', (x) => gatherND(x, ints([3, 2], [0, 1, 1, 2, 0, 1]))),
  one('GatherND', (x) => gatherND(x, ints([2, 2, 1], [0, 2, 1, 1]), 1)),
  { name: 'GatherND', shapes: [[2, 3, 4]], of: (x) => gatherND(x, ints([2, 3, 1], [0, 1, 2, 3, 3, 0]), 2) },
  ...(['none', 'add'] as const).flatMap((reduction) => [
    {
      name: 'ScatterElements',
      shapes: [
        [3, 4],
        [2, 4],
      ],
      of: (x: Tensor, u: Tensor) =>
        scatterElements(x, ints([2, 4], [2, 0, 1, 1, 0, 1, 2, 0]), u, { axis: 0, reduction }),
    },
    {
      name: 'ScatterND',
      shapes: [
        [3, 4],
        [2, 4],
      ],
      of: (x: Tensor, u: Tensor) => scatterND(x, ints([2, 1], [2, 0]), u, { reduction }),
    },
  ]),
  one('TopK', (x) => topK(x, 2).values),
  one('TopK', (x) => topK(x, 1, { axis: 1, largest: false }).values),
  ...[false, true].flatMap((exclusive) =>
    [false, true].map((reverse) => one('CumSum', (x) => cumSum(x, 1, { exclusive, reverse }))),
  ),
]

describe('each operator against central differences in double precision', () => {
  test.each(operations.map((operation) => [operation.name, JSON.stringify(operation.shapes), operation] as const))(
    '%s %s',
    (_name, _shapes, operation) => {
      for (const seed of [1, 2, 3]) checkGradients(operation, seed)
    },
  )

  test.each([
    ['patches', [2, 1, 8, 8], [3, 1, 4, 4], { strides: [4, 4] }],
    ['overlapping patches, padding', [2, 1, 7, 7], [3, 1, 5, 5], { strides: [2, 2], pads: [2, 2, 2, 2] }],
    ['that ends short of the edge', [1, 2, 8, 7], [2, 2, 3, 3], { strides: [2, 2] }],
    ['dilated', [1, 2, 7, 7], [2, 2, 2, 2], { dilations: [2, 2] }],
    ['one axis', [2, 3, 9], [4, 3, 3], { strides: [2] }],
  ] as const)('Conv, weights and bias: %s', (_, xDims, wDims, attributes) => {
    const x = constant(picture(xDims), 'float64', xDims)
    const spatial = wDims.slice(2)
    const ones = spatial.map(() => 1)
    const form = { group: 1, strides: ones, dilations: ones, pads: [...ones, ...ones].map(() => 0), ...attributes }
    const of = (w: Tensor, b: Tensor): Tensor => op('Conv', [x, w, b], { kernel_shape: spatial, ...form })
    checkGradients({ name: 'Conv', shapes: [wDims, [wDims[0]]], of }, 1)
  })

  test('all rules are tried', () => {
    const tried = new Set([
      ...operations.map(({ name }) => name),
      'Conv',
      'Ceil',
      'Floor',
      'Round',
      'Sign',
      'StopGradient',
    ])
    expect([...rules.keys()].filter((name) => !tried.has(name))).toEqual([])
  })
})

function picture(dims: readonly number[]): Float64Array {
  return Float64Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7))
}

const arrays = (tensors: readonly Tensor[], feeds: Parameters<typeof evaluate>[1]): number[][] =>
  evaluate(tensors, feeds).map(({ data }) => Array.from(data as Float32Array))

describe('gradients', () => {
  test('steps and stopped gradients pass nothing; a straight-through estimator passes the soft slope', () => {
    const of = (x: Tensor): Tensor => add(x, stopGradient(sub(round(x), x)))
    const x = input('x', 'float32', [3])
    const value = { x: { type: 'float32', dims: [3], data: Float32Array.of(0.2, 0.7, 1.6) } }
    const loss = (y: Tensor): Tensor => sum(mul(y, 2), 0)
    const seen = [of(x), ...gradients(loss(of(x)), [x]), ...gradients(loss(round(x)), [x])]
    expect(arrays(seen, value)).toEqual([
      [0, 1, 2],
      [2, 2, 2],
      [0, 0, 0],
    ])
  })

  test('what a loss does not depend on has the gradient 0, and what it reads twice the sum', () => {
    const [x, y] = [input('x', 'float32', [2]), input('y', 'float32', [2])]
    const found = gradients(sum(mul(x, x), 0), [x, y, x])
    expect(
      arrays(found, {
        x: { type: 'float32', dims: [2], data: Float32Array.of(3, 4) },
        y: { type: 'float32', dims: [2], data: Float32Array.of(3, 4) },
      }),
    ).toEqual([
      [6, 8],
      [0, 0],
      [6, 8],
    ])
  })

  test('an operator without a gradient is named, with its value', () => {
    const x = input('x', 'float32', [3])
    const y = op('InstanceNormalization', [reshape(x, [1, 1, 3]), constant([1], 'float32'), constant([0], 'float32')], {
      epsilon: 1e-5,
    })
    const names = new Map([[y, '/norm']])
    expect(() => gradients(lossOf(y, 1), [x], { nameOf: (tensor) => names.get(tensor) })).toThrow(
      expect.objectContaining({
        code: 'TP_GRADIENT',
        message: expect.stringContaining('InstanceNormalization that gives "/norm"'),
      }),
    )
  })

  test('a loss that is no scalar is refused', () => {
    expect(() => gradients(input('x', 'float32', [2]), [])).toThrow(expect.objectContaining({ code: 'TP_SHAPE' }))
  })
})

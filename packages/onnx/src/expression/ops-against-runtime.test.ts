import {
  type Attributes,
  abs,
  add,
  and,
  apply,
  applyOne,
  argMax,
  argMin,
  axisSize,
  cast,
  ceil,
  clip,
  concat,
  constant,
  cos,
  cumSum,
  type Dim,
  type DType,
  div,
  einsum,
  elementCount,
  equal,
  erf,
  evaluate,
  exp,
  expand,
  fill,
  flatten,
  floor,
  gather,
  gatherElements,
  gatherND,
  gelu,
  gemm,
  greater,
  greaterOrEqual,
  identity,
  input,
  isNotNumber,
  isUnknown,
  layerNormalization,
  less,
  lessOrEqual,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mod,
  mul,
  neg,
  norm1,
  norm2,
  not,
  type Op,
  operators,
  or,
  pad,
  pow,
  prod,
  range,
  reciprocal,
  relu,
  reshape,
  round,
  scatterElements,
  scatterND,
  shape,
  sigmoid,
  sign,
  sin,
  slice,
  softmax,
  softplus,
  splitAxis,
  sqrt,
  squeeze,
  sub,
  substituteDim,
  sum,
  sumSquare,
  type Tensor,
  type TensorLike,
  tanh,
  tile,
  topK,
  transpose,
  triangle,
  unsqueeze,
  where,
  xor,
} from '@tp/core'
import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { decodeModel } from '../file/model.ts'
import { Graph } from '../graph/graph.ts'
import { emitModel } from './emit-model.ts'
import { lift } from './lift.ts'

const opsets = [7, 9, 11, 13, 17, 18, 21, 23]

/** A named axis with the size it has in the data, or a fixed size. */
type Axis = readonly [name: string, size: number] | number
type Given = { readonly array: TensorLike; readonly dims: readonly Dim[] }

interface Case {
  /** Lowest opset in which it can be written. */
  readonly from: number
  readonly inputs: Readonly<Record<string, Given>>
  readonly build: (inputs: Readonly<Record<string, Tensor>>) => Tensor | readonly Tensor[]
}

let seed = 1
function uniform(): number {
  seed = (seed * 48271) % 2147483647
  return seed / 2147483647
}

function given(type: DType, axes: readonly Axis[], element: (i: number) => number): Given {
  const sizes = axes.map((axis) => (typeof axis === 'number' ? axis : axis[1]))
  const count = sizes.reduce((a, b) => a * b, 1)
  const numbers = Array.from({ length: count }, (_, i) => element(i))
  const data =
    type === 'float32'
      ? Float32Array.from(numbers)
      : type === 'int64'
        ? BigInt64Array.from(numbers, BigInt)
        : type === 'int32'
          ? Int32Array.from(numbers)
          : type === 'int8'
            ? Int8Array.from(numbers)
            : Uint8Array.from(numbers)
  return { array: { type, dims: sizes, data }, dims: axes.map((axis) => (typeof axis === 'number' ? axis : axis[0])) }
}

const floats = (...axes: readonly Axis[]): Given => given('float32', axes, () => uniform() * 4 - 2)
const positive = (...axes: readonly Axis[]): Given => given('float32', axes, () => uniform() * 3 + 0.1)
const ints = (limit: number, ...axes: readonly Axis[]): Given =>
  given('int64', axes, () => Math.floor(uniform() * limit))
const bytes = (...axes: readonly Axis[]): Given => given('uint8', axes, () => Math.floor(uniform() * 256))
const bools = (...axes: readonly Axis[]): Given => given('bool', axes, () => Math.round(uniform()))
const listed = (type: DType, numbers: readonly number[], ...axes: readonly Axis[]): Given =>
  given(type, axes, (i) => numbers[i] as number)

const B: Axis = ['B', 2]
const N: Axis = ['N', 5]

const cases: Record<string, Case> = {}

function unary(build: (x: Tensor) => Tensor | Tensor[], from: number, x: Given = floats(B, N)): Case {
  return { from, inputs: { x }, build: ({ x }) => build(x as Tensor) }
}

function binary(build: (a: Tensor, b: Tensor) => Tensor | Tensor[], from: number, a: Given, b: Given): Case {
  return { from, inputs: { a, b }, build: ({ a, b }) => build(a as Tensor, b as Tensor) }
}

function op(name: string): Op {
  return operators.get(name) as Op
}

function resized(x: Tensor, attributes: Attributes): Tensor {
  return applyOne(op('Resize'), [x, undefined, undefined, constant([1, 2, 7, 3], 'int64')], attributes)
}

function raw(type: string, attributes: Attributes, ...inputs: readonly Tensor[]): Tensor {
  return applyOne(op(type), inputs, attributes)
}

Object.assign(cases, {
  Abs: unary(abs, 7),
  Ceil: unary(ceil, 7),
  Cos: unary(cos, 7),
  Erf: unary(erf, 9),
  Exp: unary(exp, 7),
  Floor: unary(floor, 7),
  Identity: unary(identity, 7),
  Log: unary(log, 7, positive(B, N)),
  Neg: unary(neg, 7),
  Reciprocal: unary(reciprocal, 7, positive(B, N)),
  Relu: unary(relu, 7),
  Sigmoid: unary(sigmoid, 7),
  Sin: unary(sin, 7),
  Softplus: unary(softplus, 7),
  Sqrt: unary(sqrt, 7, positive(B, N)),
  Tanh: unary(tanh, 7),
  Sign: unary(sign, 9),
  Round: unary(round, 11, listed('float32', [0.5, 1.5, -0.5, -2.5, 2.4, 2.6], 6)),
  IsNaN: unary(isNotNumber, 9, listed('float32', [1, Number.NaN, 3], 3)),
  Not: unary(not, 7, bools(B, N)),
  Gelu: unary((x) => gelu(x), 9),
  'Gelu tanh': unary((x) => gelu(x, 'tanh'), 7),
  Add: binary(add, 7, floats(B, N, 3), floats(N, 1)),
  Sub: binary(sub, 7, floats(N, 3), floats(B, 1, 3)),
  Mul: binary(mul, 7, floats(B, N), floats(B, N)),
  Div: binary(div, 7, floats(B, N), positive(N)),
  'Div of integers': binary(div, 7, listed('int64', [-7, 7, 8, -8], 4), listed('int64', [2, -2, 3, 8], 4)),
  Pow: binary(pow, 7, positive(B, N), floats(N)),
  'Pow with an integer exponent': binary(pow, 7, floats(B, N), listed('int64', [2])),
  'Mod of integers': binary(mod, 10, listed('int64', [-7, 7, 8, -8], 4), listed('int64', [3, -3, 3, -3], 4)),
  'Mod of floats': binary((a, b) => raw('Mod', { fmod: 1 }, a, b), 10, floats(B, N), positive(N)),
  PRelu: binary((a, b) => raw('PRelu', {}, a, b), 7, floats(B, N), positive(N)),
  Max: binary(maximum, 8, floats(B, N), floats(N)),
  Min: binary(minimum, 8, floats(B, N), floats(N)),
  'Max of integers': binary(maximum, 9, ints(9, B, N), ints(9, N)),
  'Min of integers': binary(minimum, 9, ints(9, B, N), ints(9, N)),
  And: binary(and, 7, bools(B, N), bools(N)),
  Or: binary(or, 7, bools(B, N), bools(N)),
  Xor: binary(xor, 7, bools(B, N), bools(N)),
  Equal: binary(equal, 7, ints(3, B, N), ints(3, N)),
  'Equal of floats': binary(equal, 9, floats(B, N), floats(N)),
  Greater: binary(greater, 7, floats(B, N), floats(N)),
  'Greater of integers': binary(greater, 7, ints(4, B, N), ints(4, N)),
  Less: binary(less, 7, floats(B, N), floats(N)),
  GreaterOrEqual: binary(greaterOrEqual, 7, ints(4, B, N), ints(4, N)),
  LessOrEqual: binary(lessOrEqual, 7, ints(4, B, N), ints(4, N)),
  'LessOrEqual of floats': binary(
    lessOrEqual,
    9,
    listed('float32', [1, Number.NaN, 3], 3),
    listed('float32', [1, 1, 2], 3),
  ),
  Where: {
    from: 9,
    inputs: { c: bools(B, N, 1), a: floats(N, 3), b: floats(3) },
    build: ({ c, a, b }) => where(c as Tensor, a as Tensor, b as Tensor),
  },
  'Cast to integers': unary((x) => cast(x, 'int64'), 7),
  'Cast to bool': unary((x) => cast(x, 'bool'), 7, listed('float32', [0, 0.5, -1, 2], 4)),
  'Cast to half': unary((x) => cast(cast(x, 'float16'), 'float32'), 7, listed('float32', [0.5, 2, -3, 0], 4)),
  MatMul: binary(matmul, 7, floats(B, 3, N, 4), floats(B, 3, 4, N)),
  'MatMul with broadcasting': binary(matmul, 7, floats(B, 1, N, 7), floats(3, 7, 2)),
  'MatMul of a vector': binary(matmul, 7, floats(B, N, 4), floats(4)),
  'MatMul by a vector': binary(matmul, 7, floats(N), floats(B, N, 4)),
  Gemm: {
    from: 7,
    inputs: { x: floats(B, 3), w: floats(4, 3), b: floats(4) },
    build: ({ x, w, b }) => gemm(x as Tensor, w as Tensor, b as Tensor, true),
  },
  'Gemm with factors': {
    from: 7,
    inputs: { x: floats(3, B), w: floats(3, 4), b: floats(B, 1) },
    build: ({ x, w, b }) =>
      raw('Gemm', { alpha: 2, beta: 0.5, transA: 1, transB: 0 }, x as Tensor, w as Tensor, b as Tensor),
  },
  Softmax: unary((x) => softmax(x, -1), 7, floats(B, N, 3)),
  'Softmax inside': unary((x) => softmax(x, 'N'), 7, floats(B, N, 3)),
  'Softmax over the first axis': unary((x) => softmax(x, 0), 7, floats(B, N, 3)),
  LogSoftmax: unary((x) => logSoftmax(x, 1), 7, floats(B, N, 3)),
  LayerNormalization: {
    from: 7,
    inputs: { x: floats(B, N, 6), s: floats(6), b: floats(6) },
    build: ({ x, s, b }) => layerNormalization(x as Tensor, s as Tensor, b as Tensor, 1e-5),
  },
  'LayerNormalization without bias': {
    from: 7,
    inputs: { x: floats(B, N, 6), s: floats(6) },
    build: ({ x, s }) => layerNormalization(x as Tensor, s as Tensor, undefined, 1e-12),
  },
  'LayerNormalization of two axes': {
    from: 7,
    inputs: { x: floats(B, 3, 4), s: floats(3, 4), b: floats(3, 4) },
    build: ({ x, s, b }) =>
      raw('LayerNormalization', { axis: 1, epsilon: 1e-5 }, x as Tensor, s as Tensor, b as Tensor),
  },
  RMSNormalization: {
    from: 23,
    inputs: { x: floats(B, N, 6), s: floats(6) },
    build: ({ x, s }) => raw('RMSNormalization', { axis: -1, epsilon: 1e-5 }, x as Tensor, s as Tensor),
  },
  SimplifiedLayerNormalization: {
    from: 7,
    inputs: { x: floats(B, N, 6), s: floats(6) },
    build: ({ x, s }) => raw('SimplifiedLayerNormalization', { axis: -1, epsilon: 1e-5 }, x as Tensor, s as Tensor),
  },
  InstanceNormalization: {
    from: 7,
    inputs: { x: floats(B, 3, N), s: floats(3), b: floats(3) },
    build: ({ x, s, b }) => raw('InstanceNormalization', { epsilon: 1e-5 }, x as Tensor, s as Tensor, b as Tensor),
  },
  Conv: {
    from: 7,
    inputs: { x: floats(B, 4, ['H', 7], 6), w: floats(6, 2, 3, 2), b: floats(6) },
    build: ({ x, w, b }) =>
      raw(
        'Conv',
        { group: 2, kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 2, 1], dilations: [1, 2] },
        x as Tensor,
        w as Tensor,
        b as Tensor,
      ),
  },
  'Conv of one axis': binary(
    (x, w) => raw('Conv', { group: 1, kernel_shape: [3], strides: [2], pads: [0, 0], dilations: [1] }, x, w),
    7,
    floats(B, 2, ['T', 11]),
    floats(3, 2, 3),
  ),
  MaxPool: unary(
    (x) => raw('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, x),
    7,
    floats(B, 2, 7, 6),
  ),
  AveragePool: unary(
    (x) => raw('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, x),
    7,
    floats(B, 2, 7, 6),
  ),
  GlobalAveragePool: unary((x) => raw('GlobalAveragePool', {}, x), 7, floats(B, 2, 7, 6)),
  Reshape: unary((x) => reshape(x, ['B', -1, 2, 2]), 7, floats(B, N, 4)),
  'Reshape to computed sizes': binary(
    (a, b) => reshape(a, [axisSize(b, 1), -1]),
    7,
    floats(B, N, 4),
    floats(B, ['K', 4]),
  ),
  Flatten: unary((x) => flatten(x, 2), 7, floats(B, N, 3, 2)),
  Transpose: unary((x) => transpose(x, ['N', 2, 'B']), 7, floats(B, N, 3)),
  Unsqueeze: unary((x) => unsqueeze(x, [0, -1]), 7),
  Squeeze: unary((x) => squeeze(x, [1, 3]), 7, floats(B, 1, N, 1)),
  Concat: binary((a, b) => concat([a, b, a], 'N'), 7, floats(B, N, 3), floats(B, ['K', 2], 3)),
  Split: unary((x) => splitAxis(x, [1, 3, 2], -1)[1] as Tensor, 7, floats(B, 6)),
  'Split in equal parts': unary(
    (x) => (operators.get('Split') === undefined ? x : raw('Split', { axis: 1, num_outputs: 2 }, x)),
    7,
    floats(B, 6),
  ),
  Slice: unary((x) => slice(x, { axis: 'N', start: 1, end: -1 }), 7, floats(B, N, 3)),
  'Slice with steps': unary((x) => slice(x, { axis: 'N', start: -1, end: -100, step: -2 }), 10, floats(B, N, 3)),
  'Slice to a computed end': binary(
    (a, b) => slice(a, { axis: 'N', start: 0, end: axisSize(b, 0) }),
    10,
    floats(B, N),
    floats(['K', 3]),
  ),
  Gather: binary((x, i) => gather(x, i, 'N'), 7, floats(B, N, 3), ints(5, 2, 2)),
  'Gather of one': unary((x) => gather(x, 0, 'N'), 7, floats(B, N, 3)),
  'Gather from the end': unary((x) => gather(x, -1, 1), 7, floats(B, N, 3)),
  GatherElements: binary((x, i) => gatherElements(x, i, 1), 11, floats(B, N, 3), ints(5, B, 2, 3)),
  GatherND: binary((x, i) => gatherND(x, i), 11, floats(4, 3, 2), ints(3, ['K', 5], 2)),
  'GatherND by batch': binary((x, i) => gatherND(x, i, 1), 11, floats(B, N, 3), ints(5, B, ['K', 4], 1)),
  'GatherND by two batch axes': binary(
    (x, i) => gatherND(x, i, 2),
    11,
    floats(B, 3, N, 4),
    listed('int64', [0, -1, 4, 2, 3, 1], B, 3, 1),
  ),
  'GatherND of pairs by batch': binary((x, i) => gatherND(x, i, 1), 11, floats(B, N, 6, 2), ints(5, B, ['K', 3], 2)),
  ScatterND: {
    from: 11,
    inputs: { x: floats(4, 3), i: listed('int64', [2, 0], 2, 1), u: floats(2, 3) },
    build: ({ x, i, u }) => scatterND(x as Tensor, i as Tensor, u as Tensor),
  },
  ScatterElements: {
    from: 11,
    inputs: { x: floats(B, N, 2), i: listed('int64', [0, 4, 3, -2, 1, 1, 0, 4], B, 2, 2), u: floats(B, 2, 2) },
    build: ({ x, i, u }) => scatterElements(x as Tensor, i as Tensor, u as Tensor, { axis: 1 }),
  },
  'ScatterElements adding': {
    from: 11,
    inputs: { x: floats(B, N, 2), i: ints(5, B, ['K', 4], 2), u: floats(B, ['K', 4], 2) },
    build: ({ x, i, u }) => scatterElements(x as Tensor, i as Tensor, u as Tensor, { axis: 1, reduction: 'add' }),
  },
  'ScatterElements adding to the last axis': {
    from: 11,
    inputs: { x: floats(B, N), i: ints(5, B, ['K', 4]), u: floats(B, ['K', 4]) },
    build: ({ x, i, u }) => scatterElements(x as Tensor, i as Tensor, u as Tensor, { axis: 1, reduction: 'add' }),
  },
  'ScatterElements adding rows': {
    from: 11,
    inputs: { x: floats(B, N, 3), i: ints(5, B, ['K', 4], 1), u: floats(B, ['K', 4], 3) },
    build: ({ x, i, u }) => {
      const rows = expand(i as Tensor, shape(u as Tensor))
      return scatterElements(x as Tensor, rows, u as Tensor, { axis: 1, reduction: 'add' })
    },
  },
  TopK: unary((x) => Object.values(topK(x, 3)), 10, floats(B, N)),
  'TopK smallest': unary((x) => topK(x, 3, { largest: false, axis: 'N' }).indices, 10, floats(B, N, 2)),
  'TopK of equals': unary((x) => topK(x, 4).indices, 10, listed('float32', [1, 2, 1, 2, 2, 1, 0, 1], 8)),
  'TopK of a computed count': binary(
    (x, y) => topK(x, axisSize(y, 0), { axis: 1 }).values,
    10,
    floats(B, N),
    floats(['K', 2]),
  ),
  ArgMax: unary((x) => argMax(x, 'N'), 7, listed('float32', [1, 3, 3, 0, 2, 2, 1, 2, 0, 0], B, N)),
  ArgMin: unary((x) => argMin(x, 'N', { keepDims: true }), 7),
  CumSum: unary((x) => cumSum(x, 1), 11),
  'CumSum of others': unary((x) => cumSum(x, 1, { exclusive: true, reverse: true }), 11),
  Range: unary((x) => range(0, squeeze(axisSize(x, 1), 0), 1), 11),
  Shape: unary((x) => shape(x), 7, floats(B, N, 3)),
  'Shape of some axes': unary((x) => shape(x, { start: 1, end: 2 }), 7, floats(B, N, 3)),
  'Shape of last axes': unary((x) => shape(x, { start: -2 }), 7, floats(B, N, 3)),
  Size: unary(elementCount, 7),
  ConstantOfShape: unary((x) => fill(2, 'float32', ['N', 3], x), 9),
  Expand: unary((x) => expand(x, ['B', 4, 3]), 8, floats(B, 1, 3)),
  Tile: unary((x) => tile(x, [2, 3]), 7),
  Pad: unary((x) => pad(x, [1, 0, 0, 2], 9), 7),
  'Pad reflected': unary((x) => raw('Pad', { mode: 'reflect' }, x, constant([0, 2, 0, 3], 'int64')), 7),
  'Pad with the edge': unary((x) => raw('Pad', { mode: 'edge' }, x, constant([0, 2, 0, 3], 'int64')), 7),
  Clip: unary((x) => clip(x, -1, 1), 7),
  'Clip from below': unary((x) => clip(x, 0), 7),
  'Clip of integers': unary((x) => clip(x, 1, 3), 9, ints(6, B, N)),
  'Clip to computed bounds': binary((x, y) => clip(x, y), 8, floats(B, N), floats()),
  NonZero: unary((x) => raw('NonZero', {}, x), 9, listed('float32', [0, 1, 2, 0, 0, 3], 2, 3)),
  Einsum: binary((a, b) => einsum('bhld,lrd->bhlr', a, b), 12, floats(B, 2, N, 3), floats(N, 4, 3)),
  'Einsum with a trace': binary((a, b) => einsum('ii,j->j', a, b), 12, floats(3, 3), floats(4)),
  'Trilu upper': unary((x) => triangle(x, 'upper', 1), 11, floats(B, N, 4)),
  'Trilu lower': unary((x) => triangle(x, 'lower', -1), 11, floats(B, N, 4)),
  ReduceSum: unary((x) => sum(x, 'N'), 7, floats(B, N, 3)),
  ReduceMean: unary((x) => mean(x, [0, 2], { keepDims: true }), 7, floats(B, N, 3)),
  ReduceMax: unary((x) => max(x, -1), 7, floats(B, N, 3)),
  ReduceMin: unary((x) => min(x, 1), 7, floats(B, N, 3)),
  ReduceProd: unary((x) => prod(x, 1), 7, floats(B, N, 3)),
  ReduceL1: unary((x) => norm1(x, 1), 7, floats(B, N, 3)),
  ReduceL2: unary((x) => norm2(x, 1), 7, floats(B, N, 3)),
  ReduceSumSquare: unary((x) => sumSquare(x, 1), 7, floats(B, N, 3)),
  'ReduceSum of integers': unary((x) => sum(x, 1), 7, ints(9, B, N)),
  'ReduceMax of integers': unary((x) => max(x, 1), 7, ints(9, B, N)),
  Dropout: unary((x) => raw('Dropout', {}, x), 7),
  QuantizeLinear: binary(
    (x, s) => raw('QuantizeLinear', {}, x, s, constant(3, 'uint8')),
    10,
    floats(B, N),
    listed('float32', [0.01]),
  ),
  DequantizeLinear: unary(
    (x) => raw('DequantizeLinear', {}, x, constant(0.1), constant(3, 'int8')),
    10,
    given('int8', [B, N], () => Math.floor(uniform() * 256) - 128),
  ),
  DynamicQuantizeLinear: unary((x) => raw('DynamicQuantizeLinear', {}, x), 11),
  MatMulInteger: binary(
    (a, b) => raw('MatMulInteger', {}, a, b, constant(7, 'uint8'), constant(9, 'uint8')),
    10,
    given('uint8', [N, 4], () => Math.floor(uniform() * 256)),
    given('uint8', [4, 3], () => Math.floor(uniform() * 256)),
  ),
  ConvInteger: binary(
    (x, w) =>
      raw(
        'ConvInteger',
        { group: 1, kernel_shape: [2, 2], strides: [1, 2], pads: [0, 0, 1, 1], dilations: [1, 1] },
        x,
        w,
        constant(7, 'uint8'),
      ),
    10,
    bytes(B, 2, ['H', 4], 5),
    bytes(3, 2, 2, 2),
  ),
  DFT: unary((x) => raw('DFT', { axis: 1, inverse: 0, onesided: 0 }, x), 17, floats(B, N, 1)),
  'DFT inverse': unary((x) => raw('DFT', { axis: 1, inverse: 1, onesided: 0 }, x), 17, floats(B, N, 3, 2)),
  'DFT one-sided': unary((x) => raw('DFT', { axis: 1, inverse: 0, onesided: 1 }, x), 17, floats(B, N, 1)),
  ...Object.fromEntries(
    [
      { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
      { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
      { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' },
      { mode: 'cubic', coordinate_transformation_mode: 'half_pixel', cubic_coeff_a: -0.5 },
      { mode: 'cubic', coordinate_transformation_mode: 'half_pixel', cubic_coeff_a: -0.75, exclude_outside: 1 },
      { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      { mode: 'nearest', coordinate_transformation_mode: 'half_pixel', nearest_mode: 'round_prefer_floor' },
      { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'ceil' },
    ].map((attributes) => [
      `Resize ${Object.values(attributes).join(' ')}`,
      unary((x) => resized(x, attributes), 11, floats(1, 2, 4, 5)),
    ]),
  ),
  'Resize by factors': unary(
    (x) =>
      applyOne(op('Resize'), [x, undefined, constant([1, 1, 2.5, 0.6])], {
        mode: 'nearest',
        nearest_mode: 'floor',
        coordinate_transformation_mode: 'asymmetric',
      }),
    11,
    floats(1, 2, 4, 5),
  ),
  ...Object.fromEntries(
    [0, 1, 2, 3].map((mode) => [
      `Attention that shows its scores, mode ${mode}`,
      {
        from: 23,
        inputs: {
          q: floats(B, 4, N, 3),
          k: floats(B, 2, ['K', 6], 3),
          v: floats(B, 2, ['K', 6], 5),
          m: floats(B, 1, N, ['K', 6]),
        },
        build: ({ q, k, v, m }) => {
          const attributes = { scale: 0.7, softcap: 1.5, is_causal: 0, qk_matmul_output_mode: mode }
          const [result, , , scores] = apply(op('Attention'), [q, k, v, m], attributes)
          return [result as Tensor, scores as Tensor]
        },
      } satisfies Case,
    ]),
  ),
  'Attention with flat heads, causal': {
    from: 23,
    inputs: { q: floats(B, N, 6), k: floats(B, N, 6), v: floats(B, N, 4) },
    build: ({ q, k, v }) =>
      apply(op('Attention'), [q, k, v], { q_num_heads: 2, kv_num_heads: 2, is_causal: 1 })[0] as Tensor,
  },
  'com.microsoft.Gelu': unary((x) => raw('com.microsoft.Gelu', {}, x), 7),
  'com.microsoft.QuickGelu': unary((x) => raw('com.microsoft.QuickGelu', { alpha: 1.5 }, x), 7),
  'com.microsoft.BiasGelu': binary((x, b) => raw('com.microsoft.BiasGelu', {}, x, b), 7, floats(B, N, 4), floats(4)),
  'com.microsoft.FastGelu': binary((x, b) => raw('com.microsoft.FastGelu', {}, x, b), 7, floats(B, N, 4), floats(4)),
  'com.microsoft.FusedMatMul': binary(
    (a, b) => raw('com.microsoft.FusedMatMul', { alpha: 0.5, transA: 1, transB: 1 }, a, b),
    7,
    floats(B, 4, N),
    floats(B, 3, 4),
  ),
  'com.microsoft.FusedGemm': binary(
    (a, b) =>
      raw(
        'com.microsoft.FusedGemm',
        { activation: 'Tanh', alpha: 1, beta: 1, transA: 0, transB: 1 },
        a,
        b,
        constant([1, 2, 3]),
      ),
    7,
    floats(B, 4),
    floats(3, 4),
  ),
  'com.microsoft.SkipLayerNormalization': {
    from: 7,
    inputs: { x: floats(B, N, 4), y: floats(B, N, 4), s: floats(4), b: floats(4), c: floats(4) },
    build: ({ x, y, s, b, c }) =>
      apply(op('com.microsoft.SkipLayerNormalization'), [x, y, s, b, c], { epsilon: 1e-5 })[0] as Tensor,
  },
  'com.microsoft.MatMulNBits': {
    from: 7,
    inputs: { x: floats(B, N, 32), w: bytes(3, 2, 8), s: positive(6) },
    build: ({ x, w, s }) =>
      applyOne(op('com.microsoft.MatMulNBits'), [x, w, s], { K: 32, N: 3, bits: 4, block_size: 16 }),
  },
} satisfies Record<string, Case>)

/** No kernel: these are read for their shapes. */
const notCompared = [
  'RotaryEmbedding',
  'com.microsoft.Attention',
  'com.microsoft.DecoderMaskedMultiHeadAttention',
  'com.microsoft.DynamicQuantizeMatMul',
  'com.microsoft.EmbedLayerNormalization',
  'com.microsoft.GroupQueryAttention',
  'com.microsoft.MatMulIntegerToFloat',
  'com.microsoft.MultiHeadAttention',
  'com.microsoft.QAttention',
  'com.microsoft.QEmbedLayerNormalization',
  'com.microsoft.RotaryEmbedding',
  'com.microsoft.SkipSimplifiedLayerNormalization',
  'com.microsoft.SparseAttention',
]

async function runByRuntime(bytes: Uint8Array, inputs: Case['inputs']): Promise<Record<string, TensorLike>> {
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 })
  try {
    const feeds: Record<string, ort.Tensor> = {}
    for (const [name, { array }] of Object.entries(inputs)) {
      feeds[name] = new ort.Tensor(array.type as 'float32', array.data as Float32Array, [...array.dims])
    }
    return (await session.run(feeds)) as unknown as Record<string, TensorLike>
  } finally {
    await session.release()
  }
}

describe.each(Object.entries(cases))('%s', (_, { from, inputs, build }) => {
  const tensors: Record<string, Tensor> = {}
  for (const [name, { array, dims }] of Object.entries(inputs)) {
    tensors[name] = input(name, array.type as DType, dims)
  }
  const built = build(tensors)
  const results: readonly Tensor[] = Array.isArray(built) ? built : [built as Tensor]
  const outputs = Object.fromEntries(results.map((tensor, i) => [`y${i}`, tensor]))
  const named: Record<string, number> = {}
  for (const { array, dims } of Object.values(inputs)) {
    dims.forEach((dim, axis) => {
      if (typeof dim === 'string') named[dim] = array.dims[axis] as number
    })
  }
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, { array }]) => [name, array]))

  test.each(opsets)('opset %i', async (opset) => {
    if (opset < from) {
      expect(() => emitModel(outputs, { opset })).toThrow(expect.objectContaining({ code: 'TP_OPSET' }))
      return
    }
    const bytes = emitModel(outputs, { opset })
    const expected = await runByRuntime(bytes, inputs)
    expectEqual(evaluate(outputs, feeds), expected)
    for (const [name, tensor] of Object.entries(outputs)) {
      const sizes = tensor.dims.map((dim, axis) =>
        isUnknown(dim) ? expected[name]?.dims[axis] : substituteDim(dim, named),
      )
      expect(sizes).toEqual(expected[name]?.dims)
    }

    const lifted = lift(new Graph(decodeModel(bytes)))
    expect(lifted.notes).toEqual([])
    const readBack = Object.fromEntries(Object.keys(outputs).map((name) => [name, lifted.tensor(name)]))
    expectEqual(evaluate(readBack, feeds), expected)
  })
})

test('every operator with a kernel is compared', () => {
  const compared = new Set<string>()
  for (const { inputs, build } of Object.values(cases)) {
    const tensors = Object.entries(inputs).map(([name, { array, dims }]) => [
      name,
      input(name, array.type as DType, dims),
    ])
    const built = build(Object.fromEntries(tensors))
    for (const { node } of Array.isArray(built) ? built : [built]) {
      compared.add(node.op.name)
      for (const tensor of node.inputs) compared.add(tensor?.node.op.name ?? '')
    }
  }
  const left = [...operators.keys()].filter((name) => !compared.has(name)).sort()
  expect(left).toEqual(notCompared)
})

function expectEqual(results: Record<string, TensorLike>, expected: Record<string, TensorLike>): void {
  for (const [name, result] of Object.entries(results)) {
    const reference = expected[name] as TensorLike
    expect(result.type).toBe(reference.type)
    expect(result.dims).toEqual([...reference.dims])
    const [numbers, others] = [result, reference].map(({ data }) => Array.from(data as Float32Array, Number))
    others?.forEach((other, i) => {
      const number = numbers?.[i] as number
      if (Number.isNaN(other)) expect(number).toBeNaN()
      else expect(Math.abs(number - other)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(other)))
    })
  }
}

import {
  add,
  concat,
  constant,
  cumSum,
  evaluate,
  expand,
  gather,
  gelu,
  gemm,
  input,
  layerNormalization,
  matmul,
  max,
  mean,
  mul,
  reshape,
  softmax,
  splitAxis,
  squeeze,
  sum,
  swapLast,
  type Tensor,
  topK,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { applyOne, type Dim, type Op, operators } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import { createNode } from '@tp/onnx'
import { seeded } from 'exported-encoders'
import { expect, test } from 'vitest'
import { difference, float32, numbers } from '../../test/run.ts'
import { rowAxes } from './row-axes.ts'

const [B, N, K, D] = [2, 5, 2, 4]

/**
 * One operator over inputs of these shapes, `T` tokens each (sizes in the operator itself are those of n tokens), the axis of the
 * result whose first rows are wanted, and the expected result: for each input the axis that decides them.
 */
type Case = [
  name: string,
  shapes: string,
  build: (inputs: readonly Tensor[], n: number) => Tensor,
  axis: number,
  needs: (number | 'all' | undefined)[],
]

const weights = (dims: readonly number[]): Tensor => {
  const normal = seeded(4)
  return constant(Array.from({ length: dims.reduce((a, b) => a * b, 1) }, normal), 'float32', dims)
}

const SIZES: Readonly<Record<string, Dim>> = { B, D, T: 'T' }

const cases: Case[] = [
  ['TopK along another axis', 'B T D', ([x]) => topK(x as Tensor, 2).values, 1, [1, undefined]],
  ['TopK along the axis', 'B T D', ([x]) => topK(x as Tensor, 2, { axis: 1 }).values, 1, ['all', undefined]],
  ['Add', 'B T D; T D', ([a, b]) => add(a!, b!), 1, [1, 0]],
  ['Mul of what all rows share', 'B T D; D', ([a, b]) => mul(a!, b!), 1, [1, undefined]],
  ['Where', 'B T 1; B T D; 1', ([a, b, c]) => where(a!, b!, c!), 1, [1, 1, undefined]],
  ['Gelu', 'B T D', ([a]) => gelu(a!), 1, [1]],
  ['Softmax over features', 'B T D', ([a]) => softmax(a!), 1, [1]],
  ['Softmax over tokens', 'B T D', ([a]) => softmax(a!, 1), 1, ['all']],
  ['Softmax over keys, for queries', 'B 2 T T', ([a]) => softmax(a!), 2, [2]],
  ['LayerNormalization', 'B T D', ([a]) => layerNormalization(a!, weights([D]), undefined, 1e-5), 1, [1, undefined]],
  [
    'BatchNormalization',
    'B D T',
    ([a]) => {
      const own = weights([D])
      return applyOne(operators.get('BatchNormalization') as Op, [a!, own, own, own, mul(own, own)], { epsilon: 1e-5 })
    },
    2,
    [2, undefined, undefined, undefined, undefined],
  ],
  ['Split', 'B T D', ([a]) => splitAxis(a!, [1, 3], 2)[0]!, 1, [1]],
  ['Concat of features', 'B T D; B T 2', ([a, b]) => concat([a!, b!], 2), 1, [1, 1]],
  ['MatMul with weights', 'B T D; D 3', ([a, b]) => matmul(a!, b!), 1, [1, undefined]],
  ['MatMul of queries and keys, rows', 'B 2 T D; B 2 D T', ([a, b]) => matmul(a!, b!), 2, [2, 'all']],
  ['MatMul of queries and keys, columns', 'B 2 T D; B 2 D T', ([a, b]) => matmul(a!, b!), 3, ['all', 'all']],
  ['MatMul of a query and keys, columns', 'B 1 D; B D T', ([a, b]) => matmul(a!, b!), 2, [undefined, 2]],
  ['MatMul of probabilities and values', 'B 2 T T; B 2 T D', ([a, b]) => matmul(a!, b!), 2, [2, 'all']],
  ['MatMul for each token', 'B T 1 D; B T D 3', ([a, b]) => matmul(a!, b!), 1, [1, 1]],
  ['Gemm', 'T D', ([a]) => gemm(a!, weights([D, 3])), 0, [0, undefined]],
  ['Reshape into heads', 'B T D', ([a], n) => reshape(a!, [B, n, 2, 2]), 1, [1, undefined]],
  ['Reshape of scores', 'B 2 T T', ([a]) => reshape(a!, [B * 2, a!.dims[2]!, a!.dims[3]!]), 1, [2, undefined]],
  ['Transpose', 'B T 2 2', ([a]) => transpose(a!, [0, 2, 1, 3]), 2, [1]],
  ['swapped last axes', 'B T D', ([a]) => swapLast(a!), 2, [1]],
  ['Unsqueeze', 'B T D', ([a]) => unsqueeze(a!, [1]), 2, [1]],
  ['Squeeze', 'B 1 T D', ([a]) => squeeze(a!, [1]), 1, [2]],
  ['Expand', '1 T D', ([a], n) => expand(a!, [B, n, D]), 1, [1, undefined]],
  ['Expand of what all rows share', 'B 1 D', ([a], n) => expand(a!, [B, n, D]), 1, [undefined, undefined]],
  ['ReduceMean of features', 'B T D', ([a]) => mean(a!, 2, { keepDims: true }), 1, [1]],
  ['ReduceMax of an axis before', 'B 2 T D', ([a]) => max(a!, 1), 1, [2]],
  ['ReduceSum of tokens', 'B 2 T T', ([a]) => sum(a!, 2), 2, [3]],
  ['Gather of features', 'B T D', ([a]) => gather(a!, constant([1, 0], 'int64'), 2), 1, [1, undefined]],
  ['an operator without a rule', 'B T D', ([a]) => cumSum(a!, 2), 1, ['all']],
]

test.each(cases)('%s', (name, shapes, build, axis, expectedNeeds) => {
  const shapesOf = shapes.split('; ').map((dims) => dims.split(' ').map((dim): Dim => SIZES[dim] ?? Number(dim)))
  const named = shapesOf.map((dims, i) => input(`x${i}`, i === 0 && name === 'Where' ? 'bool' : 'float32', dims))
  // Sizes inside the operator are numbers, so the axes of its result are found with as many tokens as N.
  const output = build(
    named.map((x) =>
      input(
        'x',
        x.dtype,
        x.dims.map((dim) => (dim === 'T' ? N : dim)),
      ),
    ),
    N,
  )
  const marked = input(
    'y',
    output.dtype,
    output.dims.map((dim) => (dim === N ? 'T' : dim)),
  )
  const operands = output.node.inputs.map((_, i) => named[i] ?? output.node.inputs[i])
  const node = createNode({ type: output.node.op.name, inputs: operands.map((_, i) => `x${i}`), outputs: ['y'] })
  const view = {
    node,
    inputs: operands,
    output: marked,
    attributes: output.node.attributes,
    isTokens: (dim: Dim) => dim === 'T',
  }
  const needs = rowAxes(view, axis)
  expect(needs.slice(0, expectedNeeds.length)).toEqual(expectedNeeds)

  // The same operator over the first K rows of what it says it needs gives the first K rows of its result.
  const full = shapesOf.map((dims, i) => array(dims, N, named[i]!.dtype, i))
  const expected = evaluate([output], new Map(inputsOf(output, full)))[0]!
  const parts = full.map((value, i) => (typeof needs[i] === 'number' ? firstRows(value, needs[i]) : value))
  const small = build(
    parts.map((value) => input('x', value.type as 'float32', value.dims)),
    needs.includes('all') && !needs.some((need) => typeof need === 'number') ? N : K,
  )
  const part = evaluate([small], new Map(inputsOf(small, parts)))[0]!
  const rows = firstRows(expected, axis)
  expect(
    difference(numbers(part.dims.join() === expected.dims.join() ? firstRows(part, axis) : part), numbers(rows)),
  ).toBeLessThan(1e-6)
})

/** The inputs of a one-operator expression, in order, with their arrays. */
function inputsOf(output: Tensor, arrays: readonly TensorLike[]): [Tensor, TensorLike][] {
  const found: Tensor[] = []
  const visit = (x: Tensor | undefined): void => {
    if (x === undefined || found.includes(x)) return
    if (x.node.op.name === 'Input') found.push(x)
    else x.node.inputs.forEach(visit)
  }
  visit(output)
  return found.map((x, i) => [x, arrays[i]!])
}

function array(dims: readonly Dim[], n: number, dtype: string, seed: number): TensorLike {
  const sizes = dims.map((dim) => (dim === 'T' ? n : (dim as number)))
  const normal = seeded(seed + 1)
  const values = Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, normal)
  return dtype === 'bool'
    ? { type: 'bool', dims: sizes, data: Uint8Array.from(values, (x) => (x > 0 ? 1 : 0)) }
    : float32(sizes, values)
}

/** The first K entries along an axis. */
function firstRows({ type, dims, data }: TensorLike, axis: number): TensorLike {
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1)
  const size = dims[axis] as number
  const kept = Array.from(data as ArrayLike<number>).filter((_, i) => Math.floor(i / inner) % size < K)
  const sizes = dims.map((dim, i) => (i === axis ? K : dim))
  return type === 'bool' ? { type, dims: sizes, data: Uint8Array.from(kept) } : float32(sizes, kept)
}

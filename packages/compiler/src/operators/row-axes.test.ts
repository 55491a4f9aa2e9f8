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

/** One operator over inputs of these shapes, `T` tokens each; sizes in the operator itself are those of n tokens. */
interface Case {
  readonly name: string
  readonly dims: readonly (readonly Dim[])[]
  readonly build: (inputs: readonly Tensor[], n: number) => Tensor
  /** Axis of the result whose first rows are wanted. */
  readonly axis: number
  /** The expected result: for each input the axis that decides them. */
  readonly needs: readonly (number | 'all' | undefined)[]
}

const weights = (dims: readonly number[]): Tensor => {
  const normal = seeded(4)
  return constant(Array.from({ length: dims.reduce((a, b) => a * b, 1) }, normal), 'float32', dims)
}

const cases: readonly Case[] = [
  {
    name: 'TopK along another axis',
    dims: [[B, 'T', D]],
    build: ([x]) => topK(x as Tensor, 2).values,
    axis: 1,
    needs: [1, undefined],
  },
  {
    name: 'TopK along the axis',
    dims: [[B, 'T', D]],
    build: ([x]) => topK(x as Tensor, 2, { axis: 1 }).values,
    axis: 1,
    needs: ['all', undefined],
  },
  {
    name: 'Add',
    dims: [
      [B, 'T', D],
      ['T', D],
    ],
    build: ([a, b]) => add(a!, b!),
    axis: 1,
    needs: [1, 0],
  },
  {
    name: 'Mul of what all rows share',
    dims: [[B, 'T', D], [D]],
    build: ([a, b]) => mul(a!, b!),
    axis: 1,
    needs: [1, undefined],
  },
  {
    name: 'Where',
    dims: [[B, 'T', 1], [B, 'T', D], [1]],
    build: ([a, b, c]) => where(a!, b!, c!),
    axis: 1,
    needs: [1, 1, undefined],
  },
  { name: 'Gelu', dims: [[B, 'T', D]], build: ([a]) => gelu(a!), axis: 1, needs: [1] },
  { name: 'Softmax over features', dims: [[B, 'T', D]], build: ([a]) => softmax(a!), axis: 1, needs: [1] },
  { name: 'Softmax over tokens', dims: [[B, 'T', D]], build: ([a]) => softmax(a!, 1), axis: 1, needs: ['all'] },
  {
    name: 'Softmax over keys, for queries',
    dims: [[B, 2, 'T', 'T']],
    build: ([a]) => softmax(a!),
    axis: 2,
    needs: [2],
  },
  {
    name: 'LayerNormalization',
    dims: [[B, 'T', D]],
    build: ([a]) => layerNormalization(a!, weights([D]), undefined, 1e-5),
    axis: 1,
    needs: [1, undefined],
  },
  {
    name: 'BatchNormalization',
    dims: [[B, D, 'T']],
    build: ([a]) => {
      const own = weights([D])
      return applyOne(operators.get('BatchNormalization') as Op, [a!, own, own, own, mul(own, own)], { epsilon: 1e-5 })
    },
    axis: 2,
    needs: [2, undefined, undefined, undefined, undefined],
  },
  { name: 'Split', dims: [[B, 'T', D]], build: ([a]) => splitAxis(a!, [1, 3], 2)[0]!, axis: 1, needs: [1] },
  {
    name: 'Concat of features',
    dims: [
      [B, 'T', D],
      [B, 'T', 2],
    ],
    build: ([a, b]) => concat([a!, b!], 2),
    axis: 1,
    needs: [1, 1],
  },
  {
    name: 'MatMul with weights',
    dims: [
      [B, 'T', D],
      [D, 3],
    ],
    build: ([a, b]) => matmul(a!, b!),
    axis: 1,
    needs: [1, undefined],
  },
  {
    name: 'MatMul of queries and keys, rows',
    dims: [
      [B, 2, 'T', D],
      [B, 2, D, 'T'],
    ],
    build: ([a, b]) => matmul(a!, b!),
    axis: 2,
    needs: [2, 'all'],
  },
  {
    name: 'MatMul of queries and keys, columns',
    dims: [
      [B, 2, 'T', D],
      [B, 2, D, 'T'],
    ],
    build: ([a, b]) => matmul(a!, b!),
    axis: 3,
    needs: ['all', 'all'],
  },
  {
    name: 'MatMul of a query and keys, columns',
    dims: [
      [B, 1, D],
      [B, D, 'T'],
    ],
    build: ([a, b]) => matmul(a!, b!),
    axis: 2,
    needs: [undefined, 2],
  },
  {
    name: 'MatMul of probabilities and values',
    dims: [
      [B, 2, 'T', 'T'],
      [B, 2, 'T', D],
    ],
    build: ([a, b]) => matmul(a!, b!),
    axis: 2,
    needs: [2, 'all'],
  },
  {
    name: 'MatMul for each token',
    dims: [
      [B, 'T', 1, D],
      [B, 'T', D, 3],
    ],
    build: ([a, b]) => matmul(a!, b!),
    axis: 1,
    needs: [1, 1],
  },
  { name: 'Gemm', dims: [['T', D]], build: ([a]) => gemm(a!, weights([D, 3])), axis: 0, needs: [0, undefined] },
  {
    name: 'Reshape into heads',
    dims: [[B, 'T', D]],
    build: ([a], n) => reshape(a!, [B, n, 2, 2]),
    axis: 1,
    needs: [1, undefined],
  },
  {
    name: 'Reshape of scores',
    dims: [[B, 2, 'T', 'T']],
    build: ([a]) => reshape(a!, [B * 2, a!.dims[2]!, a!.dims[3]!]),
    axis: 1,
    needs: [2, undefined],
  },
  { name: 'Transpose', dims: [[B, 'T', 2, 2]], build: ([a]) => transpose(a!, [0, 2, 1, 3]), axis: 2, needs: [1] },
  { name: 'swapped last axes', dims: [[B, 'T', D]], build: ([a]) => swapLast(a!), axis: 2, needs: [1] },
  { name: 'Unsqueeze', dims: [[B, 'T', D]], build: ([a]) => unsqueeze(a!, [1]), axis: 2, needs: [1] },
  { name: 'Squeeze', dims: [[B, 1, 'T', D]], build: ([a]) => squeeze(a!, [1]), axis: 1, needs: [2] },
  { name: 'Expand', dims: [[1, 'T', D]], build: ([a], n) => expand(a!, [B, n, D]), axis: 1, needs: [1, undefined] },
  {
    name: 'Expand of what all rows share',
    dims: [[B, 1, D]],
    build: ([a], n) => expand(a!, [B, n, D]),
    axis: 1,
    needs: [undefined, undefined],
  },
  {
    name: 'ReduceMean of features',
    dims: [[B, 'T', D]],
    build: ([a]) => mean(a!, 2, { keepDims: true }),
    axis: 1,
    needs: [1],
  },
  { name: 'ReduceMax of an axis before', dims: [[B, 2, 'T', D]], build: ([a]) => max(a!, 1), axis: 1, needs: [2] },
  { name: 'ReduceSum of tokens', dims: [[B, 2, 'T', 'T']], build: ([a]) => sum(a!, 2), axis: 2, needs: [3] },
  {
    name: 'Gather of features',
    dims: [[B, 'T', D]],
    build: ([a]) => gather(a!, constant([1, 0], 'int64'), 2),
    axis: 1,
    needs: [1, undefined],
  },
  {
    name: 'an operator without a rule',
    dims: [[B, 'T', D]],
    build: ([a]) => cumSum(a!, 2),
    axis: 1,
    needs: ['all'],
  },
]

for (const example of cases) {
  test(example.name, () => {
    const named = example.dims.map((dims, i) =>
      input(`x${i}`, i === 0 && example.name === 'Where' ? 'bool' : 'float32', dims),
    )
    // Sizes inside the operator are numbers, so the axes of its result are found with as many tokens as N.
    const output = example.build(
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
    const needs = rowAxes(view, example.axis)
    expect(needs.slice(0, example.needs.length)).toEqual(example.needs)

    // The same operator over the first K rows of what it says it needs gives the first K rows of its result.
    const full = example.dims.map((dims, i) => array(dims, N, named[i]!.dtype, i))
    const expected = evaluate([output], new Map(inputsOf(output, full)))[0]!
    const parts = full.map((value, i) => (typeof needs[i] === 'number' ? firstRows(value, needs[i]) : value))
    const small = example.build(
      parts.map((value) => input('x', value.type as 'float32', value.dims)),
      needs.includes('all') && !needs.some((need) => typeof need === 'number') ? N : K,
    )
    const part = evaluate([small], new Map(inputsOf(small, parts)))[0]!
    const rows = firstRows(expected, example.axis)
    expect(
      difference(
        numbers(part.dims.join() === expected.dims.join() ? firstRows(part, example.axis) : part),
        numbers(rows),
      ),
    ).toBeLessThan(1e-6)
  })
}

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

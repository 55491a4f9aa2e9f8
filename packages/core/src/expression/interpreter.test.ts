import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TensorLike } from '../array.ts'
import {
  add,
  cast,
  constant,
  cumSum,
  div,
  equal,
  exp,
  expand,
  gather,
  greater,
  identity,
  input,
  matmul,
  maximum,
  mean,
  mul,
  not,
  reshape,
  scatterElements,
  shape,
  slice,
  softmax,
  sqrt,
  sum,
  topK,
  transpose,
  where,
} from '../ops/index.ts'
import { operators } from '../ops/operators.ts'
import { applyOne } from './apply.ts'
import { evaluate } from './interpreter.ts'
import type { Op, Tensor, Value } from './tensor.ts'

const floats = (dims: readonly number[], ...numbers: readonly number[]): TensorLike => ({
  type: 'float32',
  dims,
  data: Float32Array.from(numbers),
})
const value = (tensor: Tensor, feeds: Record<string, TensorLike> = {}): number[] =>
  Array.from(evaluate([tensor], feeds)[0]?.data as Float32Array, Number)

describe('kernels', () => {
  const grid = constant([1, 2, 3, 4, 5, 6], 'float32', [2, 3])
  test.each<[string, Tensor, readonly number[]]>([
    ['broadcasting', add(grid, constant([10, 20, 30])), [11, 22, 33, 14, 25, 36]],
    ['matrix product', matmul(grid, transpose(grid, [1, 0])), [14, 32, 32, 77]],
    ['mean over rows', mean(grid, 0), [2.5, 3.5, 4.5]],
    ['softmax', softmax(constant([0, Math.log(3)]), 0), [0.25, 0.75]],
    ['softmax of large numbers', softmax(constant([1000, 1000]), 0), [0.5, 0.5]],
    ['top k: ties go to the lower index', topK(constant([1, 3, 3, 2, 3]), 4).indices, [1, 2, 4, 3]],
    ['smallest: ties go to the lower index', topK(constant([3, 1, 2, 1]), 3, { largest: false }).indices, [1, 3, 2]],
    ['slice backwards', slice(constant([1, 2, 3, 4, 5]), { axis: 0, start: -1, end: -6, step: -2 }), [5, 3, 1]],
    ['gather from the end', gather(grid, -1, 1), [3, 6]],
    ['cumulative sum', cumSum(grid, 1), [1, 3, 6, 4, 9, 15]],
    ['cumulative sum of what follows', cumSum(grid, 1, { exclusive: true, reverse: true }), [5, 3, 0, 11, 6, 0]],
    ['integers divide towards zero', div(constant([-7, 7], 'int64'), 2), [-3, 3]],
    ['comparison with NaN', greater(constant([Number.NaN, 2]), 1), [0, 1]],
    ['NaN spreads', maximum(constant([Number.NaN]), 1), [Number.NaN]],
    ['cast drops the fraction', cast(constant([-1.7, 1.7]), 'int64'), [-1, 1]],
    ['cast to a byte wraps', cast(constant([300, -1], 'int64'), 'uint8'), [44, 255]],
    [
      'adding at indices',
      scatterElements(constant([0, 0, 0]), constant([2, 0, 2], 'int64'), constant([1, 2, 3]), {
        axis: 0,
        reduction: 'add',
      }),
      [2, 0, 4],
    ],
    ['choice', where(not(equal(grid, 2)), grid, 0), [1, 0, 3, 4, 5, 6]],
    ['empty sum', sum(slice(grid, { axis: 1, start: 1, end: 1 }), 1), [0, 0]],
  ])('agree with numbers computed by hand: %s', (_, tensor, expected) => {
    const result = value(tensor)
    expect(result).toHaveLength(expected.length)
    expected.forEach((number, i) => {
      if (Number.isNaN(number)) expect(result[i]).toBeNaN()
      else expect(result[i]).toBeCloseTo(number, 6)
    })
  })
})

describe('the interpreter', () => {
  test('selects the top k by a stable sort', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 }), (list) => {
        const order = list.map((_, i) => i).sort((a, b) => (list[b] as number) - (list[a] as number))
        const { values, indices } = topK(constant(list), list.length)
        expect(value(indices)).toEqual(order)
        expect(value(values)).toEqual(order.map((i) => list[i]))
      }),
    )
  })
})

describe('inputs and outputs', () => {
  const x = input('x', 'float32', ['B', 2])

  test('takes inputs and returns outputs by name', () => {
    const { y } = evaluate({ y: mul(x, 2) }, { x: floats([1, 2], 1, 2) })
    expect(y).toEqual({ type: 'float32', dims: [1, 2], data: Float32Array.of(2, 4) })
  })

  test('can be any tensor of the expression, which is cut there', () => {
    const middle = exp(x)
    const [y] = evaluate([add(middle, 1)], new Map([[middle, floats([1, 2], 5, 6)]]))
    expect(y?.data).toEqual(Float32Array.of(6, 7))
  })

  test('integers and booleans have their own arrays', () => {
    const [sizes, truth] = evaluate([shape(x), equal(x, 1)], { x: floats([1, 2], 1, 2) })
    expect(sizes).toEqual({ type: 'int64', dims: [2], data: BigInt64Array.of(1n, 2n) })
    expect(truth).toEqual({ type: 'bool', dims: [1, 2], data: Uint8Array.of(1, 0) })
  })

  test('halves are given and returned as bits', () => {
    const half = input('h', 'float16', [2])
    const feeds = { h: { type: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xc000) } } // 1 and -2
    expect(evaluate([mul(half, 2)], feeds)[0]).toEqual({
      type: 'float16',
      dims: [2],
      data: Uint16Array.of(0x4000, 0xc400),
    })
  })

  test('float64 computes and returns float64', () => {
    const third = div(constant(1), 3)
    expect(evaluate([third], {}, { precision: 'float64' })[0]).toEqual({
      type: 'float64',
      dims: [],
      data: Float64Array.of(1 / 3),
    })
    expect(value(third)[0]).toBe(Math.fround(1 / 3))
  })

  test('outputs do not share memory with inputs', () => {
    const feed = floats([1, 2], 1, 2)
    const [y] = evaluate([reshape(x, [-1])], { x: feed })
    ;(y?.data as Float32Array)[0] = 9
    expect((feed.data as Float32Array)[0]).toBe(1)
  })

  test('refuses inputs and outputs that do not match', () => {
    const both = add(x, input('z', 'float32', ['B', 2]))
    const refused =
      (feeds: Record<string, TensorLike>): (() => unknown) =>
      () =>
        evaluate([both], feeds)
    const good = floats([1, 2], 1, 2)
    expect(refused({ x: good })).toThrow(expect.objectContaining({ code: 'TP_INPUT' }))
    expect(refused({ x: good, z: floats([2, 2], 1, 2, 3, 4) })).toThrow('must be [B,2]')
    expect(refused({ x: good, z: floats([1, 3], 1, 2, 3) })).toThrow('must be [B,2]')
    expect(refused({ x: good, z: floats([1, 2], 1) })).toThrow('1 elements')
    expect(refused({ x: good, z: { type: 'int64', dims: [1, 2], data: BigInt64Array.of(1n, 2n) } })).toThrow('float32')
  })
})

test('names op and shapes for an index outside its axis', () => {
  const i = input('i', 'int64', [1])
  const feeds = { i: { type: 'int64', dims: [1], data: BigInt64Array.of(7n) } }
  const run = (): unknown => evaluate([gather(constant([1, 2]), i)], feeds)
  expect(run).toThrow(expect.objectContaining({ code: 'TP_EVALUATE', message: expect.stringContaining('Gather') }))
})

test('refuses a result that would exhaust the memory', () => {
  const feeds = { n: { type: 'int64', dims: [1], data: BigInt64Array.of(2n ** 40n) } }
  const run = (): unknown => evaluate([expand(constant([1]), input('n', 'int64', [1]))], feeds)
  expect(run).toThrow(
    expect.objectContaining({
      code: 'TP_EVALUATE',
      message: expect.stringContaining('1099511627776 elements are too many'),
    }),
  )
})

test('names an op without a kernel', () => {
  const op = operators.get('com.microsoft.Attention') as NonNullable<ReturnType<typeof operators.get>>
  const run = (): unknown =>
    evaluate([applyOne(op, [constant([1], 'float32', [1, 1, 1]), constant([1, 1, 1], 'float32', [1, 3])])], {})
  expect(run).toThrow(expect.objectContaining({ code: 'TP_NO_KERNEL' }))
})

test('computes a graph of ten thousand nodes in a row without overflowing the stack', () => {
  let x: Tensor = constant(0)
  for (let i = 0; i < 10_000; i++) x = add(x, 1)
  expect(value(x)).toEqual([10_000])
})

test('computes a tensor only once even if it is used twice', () => {
  let runs = 0
  const counted: Op = {
    ...identity(constant(0)).node.op,
    run(inputs) {
      runs += 1
      return inputs as readonly Value[]
    },
  }
  const x = applyOne(counted, [constant(4)])
  expect(value(add(x, sqrt(x)))).toEqual([6])
  expect(runs).toBe(1)
})

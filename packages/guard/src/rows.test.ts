import type { TensorLike } from '@tp/core/runtime'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replaceRows, takeInputs, takeRows } from './rows.ts'

const float = (dims: readonly number[], values: readonly number[]): TensorLike => ({
  type: 'float32',
  dims,
  data: Float32Array.from(values),
})

/** A tensor [b,n,2] of different numbers, and some of its rows, ascending. */
const someRows = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 })).chain(([b, n]) =>
  fc.record({
    tensor: fc.constant(
      float(
        [b, n, 2],
        Array.from({ length: b * n * 2 }, (_, i) => i),
      ),
    ),
    rows: fc.subarray(
      Array.from({ length: b }, (_, i) => i),
      { minLength: 1 },
    ),
  }),
)

test('changes nothing when rows are taken out and put back', () => {
  fc.assert(
    fc.property(someRows, ({ tensor, rows }) => {
      const taken = takeRows(tensor, rows)
      expect(taken.dims).toEqual([rows.length, ...tensor.dims.slice(1)])
      const back = replaceRows('x', tensor, taken, rows)
      expect(back).toEqual(tensor)
      expect(back.data).not.toBe(tensor.data)
    }),
  )
})

test('replaces those rows that are put in from elsewhere, and no others', () => {
  fc.assert(
    fc.property(someRows, ({ tensor, rows }) => {
      const [, n = 0, width = 0] = tensor.dims
      const other = float([rows.length, n, width], new Array(rows.length * n * width).fill(-1))
      const found = Array.from(replaceRows('x', tensor, other, rows).data as Float32Array)
      const expected = Array.from(tensor.data as Float32Array, (x, i) =>
        rows.includes(Math.floor(i / (n * width))) ? -1 : x,
      )
      expect(found).toEqual(expected)
    }),
  )
})

test('keeps the first columns of rows that are cut', () => {
  const tensor = float([2, 3, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  expect(takeRows(tensor, [1], 2)).toEqual(float([1, 2, 2], [6, 7, 8, 9]))
})

test('takes rows of integers and of texts', () => {
  const ids: TensorLike = { type: 'int64', dims: [3], data: BigInt64Array.of(1n, 2n, 3n) }
  expect(takeRows(ids, [0, 2])).toEqual({ type: 'int64', dims: [2], data: BigInt64Array.of(1n, 3n) })
  const words: TensorLike = { type: 'string', dims: [2, 2], data: ['a', 'b', 'c', 'd'] }
  const taken = takeRows(words, [1])
  expect(taken).toEqual({ type: 'string', dims: [1, 2], data: ['c', 'd'] })
  expect(replaceRows('x', words, taken, [0]).data).toEqual(['c', 'd', 'c', 'd'])
})

test('cuts all inputs along the tokens to the longest row that is taken', () => {
  const mask: TensorLike = {
    type: 'int64',
    dims: [3, 4],
    data: BigInt64Array.from([1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0], BigInt),
  }
  const inputs = { mask, other: float([3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), size: float([3], [1, 2, 3]) }
  const axis = { mask: 'mask', inputs: ['mask', 'other'] }
  expect(takeInputs(inputs, [1, 2], axis)).toMatchObject({
    mask: { dims: [2, 2] },
    other: float([2, 2], [5, 6, 9, 10]),
    size: float([2], [2, 3]),
  })
  expect(takeInputs(inputs, [2], axis).mask?.dims).toEqual([1, 1])
  expect(takeInputs(inputs, [2], undefined).other).toEqual(float([1, 4], [9, 10, 11, 12]))
})

test('refuses rows of another form', () => {
  const problem = expect.objectContaining({ code: 'TP_CASCADE' })
  const tensor = float([2, 2], [1, 2, 3, 4])
  expect(() => replaceRows('x', tensor, float([1, 3], [1, 2, 3]), [0])).toThrow(problem)
  expect(() => replaceRows('x', tensor, float([2, 2], [1, 2, 3, 4]), [0])).toThrow(problem)
  expect(() => replaceRows('x', tensor, undefined, [0])).toThrow(problem)
})

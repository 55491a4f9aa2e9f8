import { describe, expect, test } from 'vitest'
import { type Dim, isUnknown } from '../expression/dim.ts'
import type { Tensor } from '../expression/tensor.ts'
import {
  add,
  and,
  axisSize,
  cast,
  concat,
  constant,
  div,
  elementCount,
  equal,
  expand,
  fill,
  gather,
  greater,
  input,
  less,
  max,
  maximum,
  min,
  minimum,
  mod,
  mul,
  neg,
  not,
  or,
  prod,
  range,
  reshape,
  shape,
  slice,
  splitAxis,
  sub,
  sum,
  transpose,
  unsqueeze,
  where,
} from './index.ts'

const x = input('x', 'float32', ['B', 'N', 4])
const sizes = shape(x)
const tokens = gather(sizes, 1, 0)

/** Contents, with `?` for an element that is not known. */
function contents(tensor: Tensor): readonly Dim[] | undefined {
  return tensor.value?.map((element) => (isUnknown(element) ? '?' : element))
}

describe('contents of shape arithmetic', () => {
  test.each<[string, Tensor, readonly Dim[]]>([
    ['shape', sizes, ['B', 'N', 4]],
    ['part of a shape', shape(x, { start: -2 }), ['N', 4]],
    ['number of elements', elementCount(x), ['4*B*N']],
    ['gather of one', tokens, ['N']],
    ['gather of several', gather(sizes, constant([2, 0], 'int64'), 0), [4, 'B']],
    ['slice', slice(sizes, { axis: 0, start: -1, end: 0, step: -1 }), [4, 'N']],
    ['concat', concat([axisSize(x, 0), constant([-1], 'int64')], 0), ['B', -1]],
    ['unsqueeze', unsqueeze(tokens, 0), ['N']],
    ['reshape', reshape(sizes, [3, 1]), ['B', 'N', 4]],
    ['transpose', transpose(reshape(sizes, [1, 3]), [1, 0]), ['B', 'N', 4]],
    ['split', splitAxis(sizes, [1, 2], 0)[1] as Tensor, ['N', 4]],
    ['expand', expand(tokens, constant([2], 'int64')), ['N', 'N']],
    ['constant of shape', fill(7, 'int64', constant([2], 'int64')), [7, 7]],
    ['range', range(1, 7, 2), [1, 3, 5]],
    ['cast to another integer', cast(sizes, 'int32'), ['B', 'N', 4]],
    ['cast to bool', cast(sizes, 'bool'), [1, 1, 1]],
    ['arithmetic', add(mul(tokens, 7000), 9999), ['7000*N+9999']],
    ['subtraction', sub(tokens, tokens), [0]],
    ['negation', neg(tokens), ['-N']],
    ['count of kept tokens', div(add(mul(tokens, 7000), 9999), 10000), ['floor((7000*N+9999)/10000)']],
    ['division towards zero', div(constant([-7, 7], 'int64'), 2), [-3, 3]],
    ['exact division', div(prod(sizes, 0), 4), ['B*N']],
    ['remainder', mod(constant([-7, 7], 'int64'), constant([3, -3], 'int64')), [2, -2]],
    ['remainder of a multiple', mod(mul(tokens, 6), 3), [0]],
    ['sum', sum(sizes, 0), ['B+N+4']],
    ['largest', max(concat([axisSize(x, 1), constant([0], 'int64')], 0), 0), ['N']],
    ['smallest', min(concat([axisSize(x, 1), constant([-3], 'int64')], 0), 0), [-3]],
    ['maximum of what is certain', maximum(tokens, 1), ['N']],
    ['minimum of what is certain', minimum(tokens, add(tokens, 1)), ['N']],
    ['where', where(constant([1, 0], 'bool'), tokens, -1), ['N', -1]],
  ])('%s', (_, tensor, expected) => {
    expect(contents(tensor)).toEqual(expected)
  })

  test.each<[string, Tensor, Dim]>([
    ['a size is never -1', equal(tokens, -1), 0],
    ['a size is never 0', equal(tokens, 0), 0],
    ['a size may be 1', equal(tokens, 1), '?'],
    ['a size is itself', equal(tokens, tokens), 1],
    ['two sizes may be equal', equal(tokens, gather(sizes, 0, 0)), '?'],
    ['a size is above 0', greater(tokens, 0), 1],
    ['a size may be above 1', greater(tokens, 1), '?'],
    ['N is less than N + 1', less(tokens, add(tokens, 1)), 1],
    ['N + 1 is not less than N', less(add(tokens, 1), tokens), 0],
    ['not of what is known', not(equal(tokens, -1)), 1],
    ['false and unknown', and(equal(tokens, -1), equal(tokens, 1)), 0],
    ['true and unknown', and(equal(tokens, tokens), equal(tokens, 1)), '?'],
    ['true or unknown', or(equal(tokens, 1), equal(tokens, tokens)), 1],
  ])('%s', (_, tensor, expected) => {
    expect(contents(tensor)).toEqual([expected])
  })

  test('an unknown element does not affect the others', () => {
    const chosen = where(equal(tokens, constant([-1, 1], 'int64')), constant([5, 6], 'int64'), tokens)
    expect(contents(chosen)).toEqual(['N', '?'])
  })

  test('follows contents through the sanitized shape that exporters write before Expand', () => {
    const target = concat([axisSize(x, 0), axisSize(x, 1), constant([-1], 'int64')], 0)
    const ones = fill(1, 'int64', shape(target))
    const clean = where(equal(target, mul(ones, -1)), ones, target)
    expect(contents(clean)).toEqual(['B', 'N', 1])
    expect(expand(x, clean).dims).toEqual(['B', 'N', 4])
  })

  test('recognizes a minimum or a maximum where old opsets choose by comparison', () => {
    const seven = constant([7], 'int64')
    expect(contents(where(less(tokens, seven), tokens, seven))).toEqual(contents(minimum(tokens, seven)))
    expect(contents(where(greater(tokens, seven), tokens, seven))).toEqual(contents(maximum(tokens, seven)))
    expect(contents(where(less(seven, tokens), tokens, seven))).toEqual(['?'])
  })

  test('does not know the contents of floats and long tensors', () => {
    expect(constant([1, 2]).value).toBeUndefined()
    expect(cast(sizes, 'float32').value).toBeUndefined()
    expect(range(0, 5000).value).toBeUndefined()
    expect(range(0, 5000).dims).toEqual([5000])
  })
})

import { describe, expect, test } from 'vitest'
import { applyOne } from '../expression/apply.ts'
import { type Dim, isUnknown, unknownDim } from '../expression/dim.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import {
  add,
  argMax,
  axisSize,
  cast,
  clip,
  concat,
  constant,
  cumSum,
  div,
  einsum,
  expand,
  flatten,
  gather,
  gatherElements,
  gatherND,
  gemm,
  input,
  matmul,
  maximum,
  mean,
  mul,
  pad,
  range,
  reshape,
  shape,
  slice,
  softmax,
  splitAxis,
  squeeze,
  sub,
  tile,
  topK,
  transpose,
  unsqueeze,
  where,
} from './index.ts'
import { operators } from './operators.ts'
import { withUnification } from './sizes.ts'

const x = input('x', 'float32', ['B', 'N', 6])
const unranked = input('u', 'float32')
const Split = operators.get('Split') as Op
const filled = (sizes: readonly number[]): Tensor =>
  applyOne(operators.get('ConstantOfShape') as Op, [constant(sizes, 'int64')])
const reshapeTo = (target: Tensor): Tensor => applyOne(operators.get('Reshape') as Op, [x, target])
const dims = (tensor: Tensor): readonly Dim[] => tensor.dims.map((dim) => (isUnknown(dim) ? '?' : dim))

describe('shapes in named sizes', () => {
  test.each<[string, Tensor, readonly Dim[]]>([
    ['broadcasting', add(x, input('b', 'float32', ['N', 1])), ['B', 'N', 6]],
    ['matrix product', matmul(x, transpose(x, [0, 2, 1])), ['B', 'N', 'N']],
    [
      'matrix product with broadcasting',
      matmul(input('a', 'float32', ['B', 1, 'N', 6]), input('w', 'float32', [3, 6, 2])),
      ['B', 3, 'N', 2],
    ],
    ['matrix product of vectors', matmul(input('a', 'float32', [6]), input('b', 'float32', [6])), []],
    ['reduction drops the axis', mean(x, 'N'), ['B', 6]],
    ['reduction keeps the axis on request', mean(x, ['N', -1], { keepDims: true }), ['B', 1, 1]],
    ['argMax', argMax(x, 'N'), ['B', 6]],
    ['what is left', reshape(x, ['B', -1, 2, 3]), ['B', 'N', 2, 3]],
    ['merged axes', reshape(x, [-1, 6]), ['B*N', 6]],
    ['split axes', reshape(reshape(x, [-1, 6]), [axisSize(x, 0), axisSize(x, 1), 6]), ['B', 'N', 6]],
    ['flatten', flatten(x, 2), ['B*N', 6]],
    ['concat', concat([x, slice(x, { axis: 'N', start: 0, end: 1 })], 'N'), ['B', 'N+1', 6]],
    ['slice without the first', slice(x, { axis: 'N', start: 1 }), ['B', 'N-1', 6]],
    ['slice without the last', slice(x, { axis: 'N', start: 0, end: -1 }), ['B', 'N-1', 6]],
    ['slice from before the first', slice(x, { axis: 'N', start: -(2 ** 63), end: -2 }), ['B', 'N-2', 6]],
    ['slice of the last', slice(x, { axis: 'N', start: -1 }), ['B', 1, 6]],
    ['slice of a table', slice(constant(new Array(64).fill(0)), { axis: 0, start: 0, end: axisSize(x, 1) }), ['N']],
    [
      'slice of the end of a table',
      slice(constant(new Array(64).fill(0)), { axis: 0, start: maximum(sub(64, axisSize(x, 1)), 0) }),
      ['min(N,64)'],
    ],
    ['slice by a negated size', slice(x, { axis: 'N', start: mul(axisSize(x, 1), -1) }), ['B', 'N', 6]],
    ['gather', gather(x, input('i', 'int64', ['B', 'K']), 'N'), ['B', 'B', 'K', 6]],
    ['gather of one', gather(x, 0, 'N'), ['B', 6]],
    ['gatherElements', gatherElements(x, input('i', 'int64', ['B', 'K', 6]), 1), ['B', 'K', 6]],
    ['gatherND', gatherND(x, input('i', 'int64', ['B', 'K', 1]), 1), ['B', 'K', 6]],
    [
      'top k of a count from sizes',
      topK(x, div(add(mul(axisSize(x, 1), 7000), 9999), 10000), { axis: 'N' }).indices,
      ['B', 'floor((7000*N+9999)/10000)', 6],
    ],
    ['expand', expand(input('m', 'float32', ['B', 1, 1]), ['B', axisSize(x, 1), 1]), ['B', 'N', 1]],
    ['tile', tile(x, [1, 2, 1]), ['B', '2*N', 6]],
    ['pad', pad(x, [0, 1, 0, 0, 2, 0]), ['B', 'N+3', 6]],
    ['range', range(0, squeeze(axisSize(x, 1), 0)), ['N']],
    ['range of centers', range(0.5, cast(squeeze(axisSize(x, 1), 0), 'float32')), ['N']],
    ['range of as many centers as columns', range(0.5, cast(squeeze(axisSize(x, 2), 0), 'float32')), [6]],
    ['einsum', einsum('bnd,bmd->bnm', x, input('y', 'float32', ['B', 'M', 6])), ['B', 'N', 'M']],
    ['split', splitAxis(x, [2, 4], -1)[1] as Tensor, ['B', 'N', 4]],
    [
      'convolution',
      applyOne(
        operators.get('Conv') as never,
        [input('p', 'float32', ['B', 3, 'H', 32]), input('w', 'float32', [8, 3, 4, 4])],
        { kernel_shape: [4, 4], strides: [4, 4], group: 1 },
      ),
      ['B', 8, 'floor(H/4)', 8],
    ],
  ])('%s', (_, tensor, expected) => {
    expect(dims(tensor)).toEqual(expected)
  })

  test('a shape is unknown where a size cannot be divided', () => {
    expect(dims(reshape(x, ['B', -1, 4]))).toEqual(['B', '?', 4])
  })

  test('infers what is left where an unknown size is one of the input', () => {
    const some = input('some', 'float32', [unknownDim(), 64, 16])
    const heads = applyOne(operators.get('Reshape') as never, [
      some,
      concat([axisSize(some, 0), constant([64, -1, 8], 'int64')], 0),
    ])
    expect(heads.dims).toEqual([some.dims[0], 64, 2, 8])
    const back = applyOne(operators.get('Reshape') as never, [
      heads,
      concat([axisSize(heads, 0), constant([64, -1], 'int64')], 0),
    ])
    expect(back.dims).toEqual(some.dims)
    // Of two unknown sizes that are not the same each may be anything.
    const other = input('other', 'float32', [unknownDim(), 8])
    const apart = applyOne(operators.get('Reshape') as never, [
      some,
      concat([axisSize(other, 0), constant([64, -1, 8], 'int64')], 0),
    ])
    expect(dims(apart)).toEqual(['?', 64, '?', 8])
  })

  test('infers a single unknown size from the others', () => {
    const target = concat([axisSize(x, 0), input('k', 'int64', [1]), constant([6], 'int64')], 0)
    const reshaped = applyOne(operators.get('Reshape') as never, [
      x,
      concat([axisSize(x, 0), constant([-1, 6], 'int64')], 0),
    ])
    expect(dims(reshaped)).toEqual(['B', 'N', 6])
    expect(dims(applyOne(operators.get('Reshape') as never, [x, target]))).toEqual(['?', '?', '?'])
  })
})

describe('mistakes are reported when a node is built', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['sizes that do not broadcast', () => add(x, constant([1, 2])), /Add\(float32\[B,N,6\], float32\[2\]\).*6 and 2/],
    ['names that differ', () => add(x, input('y', 'float32', ['B', 'M', 6])), /N and M/],
    ['types that differ', () => add(x, input('y', 'int64', [6])), /float32 and int64/],
    ['inner sizes that differ', () => matmul(x, x), /6 and N/],
    ['matrices only', () => gemm(x, x), /3 axes/],
    ['elements that do not fit', () => reshape(constant([1, 2, 3]), [2, 2]), /3 elements/],
    ['elements that do not fill rows', () => reshape(constant([1, 2, 3]), [2, -1]), /3 elements do not fill rows of 2/],
    ['an axis that does not exist', () => softmax(x, 3), /axis 3 is outside/],
    ['a name that does not exist', () => mean(x, 'K'), /no axis named K/],
    ['an axis that is not 1', () => squeeze(x, 1), /size N, not 1/],
    ['an index outside', () => gather(constant([1, 2]), 2), /index 2 is outside an axis of 2/],
    ['k above the axis', () => topK(x, 7), /k is 7, the axis has 6/],
    ['parts that are not the whole', () => splitAxis(x, [2, 3], -1), /5 together, the axis has 6/],
    ['logic on numbers', () => where(x, x, x), /needs bool, not float32/],
    ['a sum of booleans', () => cumSum(constant([true, false].map(Number), 'bool'), 0), /does not take bool/],
    ['concat of other sizes', () => concat([x, input('y', 'float32', ['B', 'N', 5])], 'N'), /6 and 5/],
    ['indices of another rank', () => gatherElements(x, constant([1], 'int64'), 0), /3 and 1/],
    ['pads for other axes', () => pad(x, [1, 1]), /2 pads for 3 axes/],
    ['a size below 0', () => filled([2, -1]), /ConstantOfShape.*the size -1/],
    ['a size that is not an integer', () => reshape(x, ['B', 'N', 1.5, 4]), /the size 1.5/],
    ['parts without number', () => applyOne(Split, [x], { num_outputs: 2 ** 40 }), /makes 1099511627776 parts/],
    ['axes without number', () => reshapeTo(input('shape', 'int64', [2 ** 40])), /1099511627776 axes/],
  ])('%s', (_, build, message) => {
    expect(build).toThrow(expect.objectContaining({ name: 'TpError', message: expect.stringMatching(message) }))
  })
})

describe('unification', () => {
  test('decides on names that meet, and stops afterwards', () => {
    const y = input('y', 'float32', ['B', 'seq', 6])
    const seen: [Dim, Dim][] = []
    const result = withUnification(
      (a, b) => {
        seen.push([a, b])
        return a
      },
      () => add(x, y),
    )
    expect(result.dims).toEqual(['B', 'N', 6])
    expect(seen).toEqual([['N', 'seq']])
    expect(() => add(x, y)).toThrow('N and seq')
  })

  test('numbers need no unification', () => {
    const build = (): Tensor => add(constant([1, 2]), constant([1, 2, 3]))
    expect(() => withUnification((a) => a, build)).toThrow('2 and 3')
  })

  test('one unknown size needs no unification', () => {
    const unknown = reshape(x, ['B', -1, 4]) // [B, ?, 4]
    expect(add(unknown, input('y', 'float32', ['B', 'K', 4])).dims).toEqual(['B', 'K', 4])
  })
})

test('an unknown rank gives an unknown rank', () => {
  const results = [
    add(unranked, x),
    matmul(unranked, x),
    sub(x, unranked),
    where(constant(1, 'bool'), unranked, x),
    clip(unranked, 0, 1),
    concat([x, unranked], 1),
    gather(x, input('i', 'int64'), 1),
    applyOne(operators.get('Softmax') as never, [unranked], { axis: -1 }),
    applyOne(operators.get('Unsqueeze') as never, [unranked], { axes: [0] }),
    applyOne(operators.get('ReduceMean') as never, [unranked], { axes: [1], keepdims: 0 }),
    applyOne(operators.get('Conv') as never, [unranked, constant([0], 'float32', [1, 1, 1])], {}),
    applyOne(operators.get('LayerNormalization') as never, [unranked, constant([1])], { axis: -1 }),
  ]
  expect(results.map((result) => result.hasShape)).toEqual(results.map(() => false))
  expect(shape(unranked).rank).toBe(1)
  expect(() => unsqueeze(unranked, 0).dims).toThrow(expect.objectContaining({ code: 'TP_UNKNOWN_SHAPE' }))
})

describe('a shape that is given as a tensor of unknown contents', () => {
  const x = constant([1])

  test.each<[string, (target: Tensor) => Tensor]>([
    ['ConstantOfShape', (target) => applyOne(operators.get('ConstantOfShape') as Op, [target])],
    ['Expand', (target) => expand(x, target)],
    ['Reshape', (target) => applyOne(operators.get('Reshape') as Op, [x, target])],
  ])('%s has as many axes as the tensor has elements, and refuses too many', (_, make) => {
    expect(make(input('shape', 'int64', [3])).rank).toBe(3)
    expect(() => make(input('shape', 'int64', [2 ** 31]))).toThrow(/asks for 2147483648 axes/)
  })

  test('gets at most 64 axes from any operator', () => {
    const axes = Array.from({ length: 70 }, (_, axis) => axis)
    expect(() => applyOne(operators.get('Unsqueeze') as Op, [x], { axes })).toThrow(/71 axes/)
  })
})

test('stops following contents that are doubled beyond some thousands of elements', () => {
  let list = constant([1, 2], 'int64')
  for (let i = 0; i < 40; i++) list = concat([list, list], 0)
  expect(list.dims).toEqual([2 ** 41])
  expect(list.value).toBeUndefined()
})

test('convolutions on channels in blocks have the shapes of plain ones', () => {
  const op = (name: string): Op => operators.get(`com.microsoft.nchwc.${name}`) as Op
  const x = input('x', 'float32', ['b', 3, 28, 28])
  const weights = input('w', 'float32', [64, 3, 4, 4])
  const window = { group: 1, kernel_shape: [4, 4], strides: [4, 4], pads: [0, 0, 0, 0], dilations: [1, 1] }
  const blocked = applyOne(op('Conv'), [x, weights], window)
  expect(blocked.dims).toEqual(['b', 64, 7, 7])
  expect(applyOne(op('ReorderInput'), [blocked]).dims).toEqual(['b', 64, 7, 7])
  // The last block may hold channels that do not count.
  expect(applyOne(op('ReorderOutput'), [blocked], { channels: 60 }).dims).toEqual(['b', 60, 7, 7])
  expect(applyOne(op('ReorderOutput'), [blocked], { channels: 60, channels_last: 1 }).dims).toEqual(['b', 7, 7, 60])
})

test('a range downwards is as long as the names of its bounds say', () => {
  const count = squeeze(axisSize(input('x', 'float32', ['n', 2]), 0), 0)
  expect(range(count, mul(count, -1), -1).dims).toEqual(['2*n'])
  expect(range(sub(count, 1), -1, -1).dims).toEqual(['n'])
  expect(range(0, count, -1).dims.map(isUnknown)).toEqual([true])
})

import type { DType } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import type { Tensor } from '../expression/tensor.ts'
import {
  and,
  axisSize,
  cast,
  concat,
  constant,
  cumSum,
  div,
  equal,
  expand,
  fill,
  gather,
  max,
  maximum,
  mod,
  mul,
  not,
  or,
  range,
  reshape,
  scatterND,
  shape,
  squeeze,
  sum,
  transpose,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { NonZero } from '../ops/non-zero.ts'
import type { Family } from './operator.ts'
import { listOf, one, placesOf, product, sized } from './places.ts'

/**
 * attended bool [B,N] → where the attended tokens are in the padded batch, b·N + n, int64 [T]; and where each row begins among them, int64 [B+1].
 * `padding`: the first token of each row that is not attended is among them, so that what is computed of padding is known.
 */
export const rows: Family = {
  name: 'Rows',
  inputs: { attended: 'bool' },
  outputs: ['positions', 'offsets'],
  attributes: {},
  features: { padding: {} },
  body({ attended }, _, has) {
    const real = has('padding') ? or(attended, firstOf(not(attended))) : attended
    const positions = squeeze(applyOne(NonZero, [reshape(real, [-1])]), 0)
    const counts = sum(cast(real, 'int64'), 1)
    return [positions, concat([constant([0], 'int64'), cumSum(counts, 0)], 0)]
  },
}

/** The first true element of each row. */
function firstOf(is: Tensor): Tensor {
  return and(is, equal(cumSum(cast(is, 'int64'), 1), constant(1, 'int64')))
}

const layout = { rows: 'int', axis: 'int', folded: 'int' } as const

/**
 * x [B·folded,…,N,…] → [folded,…,T,…], with rows along axis `rows` and tokens along axis `axis` after it. x may have one row for all:
 * [folded,…,N,…].
 */
export const pack: Family = {
  name: 'Pack',
  inputs: { x: 'float32', positions: 'int64' },
  outputs: ['y'],
  attributes: layout,
  features: {},
  body({ x, positions }, attributes) {
    const folded = listOf(attributes, 'folded')
    const { before, rows, between, tokens, after } = placesOf(x, attributes)
    const [outer, middle, inner] = [product(before), product(between, folded), product(after)]
    const own = div(rows, folded)
    const apart = sized(x, [outer, own, middle, tokens, inner])
    const joined = sized(transpose(apart, [0, 2, 1, 3, 4]), [mul(outer, middle), mul(own, tokens), inner])
    // Every row takes its own tokens of a value that is the same for all rows.
    const places = mod(positions, maximum(mul(own, tokens), one))
    return [sized(gather(joined, places, 1), [before, folded, between, shape(positions), after])]
  },
}

/** x [B·N,…] → [T,…] */
export const packFlat: Family = {
  name: 'PackFlat',
  inputs: { x: 'float32', positions: 'int64' },
  outputs: ['y'],
  attributes: {},
  features: {},
  body: ({ x, positions }) => [gather(x, positions, 0)],
}

const others: readonly DType[] = ['float16', 'float64', 'bool', 'int8', 'uint8', 'int32', 'int64']

/** The type of x is a part of the name, unless it is float32: that of the 0 at padding is fixed. */
const types = {
  features: Object.fromEntries(others.map((dtype) => [dtype, { inputs: { x: dtype } }])),
  allows: (has: (feature: string) => boolean) => others.filter(has).length <= 1,
}

/**
 * x [folded,…,T,…] → [B·folded,…,N,…]: tokens back in their places. Where a row has padding it is 0, or what its token is that is among the T and
 * not attended, if there is one.
 */
export const unpack: Family = {
  name: 'Unpack',
  inputs: { x: 'float32', positions: 'int64', attended: 'bool' },
  outputs: ['y'],
  attributes: layout,
  ...types,
  body({ x, positions, attended }, attributes) {
    const folded = listOf(attributes, 'folded')
    const { before, between, tokens, after } = placesOf(x, attributes)
    const [outer, middle, inner] = [product(before), product(between, folded), product(after)]
    const blocks = mul(outer, middle)
    const nothing = expand(constant(0, x.dtype), concat([blocks, one, inner], 0))
    const rowsOfTokens = concat([sized(x, [blocks, tokens, inner]), nothing], 1)
    const places = gather(rowsOfTokens, tokenOfPlace(positions, attended), 1)
    const [examples, length] = [axisSize(attended, 0), axisSize(attended, 1)]
    const apart = transpose(sized(places, [outer, middle, examples, length, inner]), [0, 2, 1, 3, 4])
    return [sized(apart, [before, mul(examples, folded), between, length, after])]
  },
}

/** x [T,…] → [B·N,…] */
export const unpackFlat: Family = {
  name: 'UnpackFlat',
  inputs: { x: 'float32', positions: 'int64', attended: 'bool' },
  outputs: ['y'],
  attributes: {},
  ...types,
  body({ x, positions, attended }) {
    const nothing = expand(constant(0, x.dtype), concat([one, shape(x, { start: 1 })], 0))
    return [gather(concat([x, nothing], 0), tokenOfPlace(positions, attended), 0)]
  },
}

/** Which packed token stands at each place of the padded batch, int64 [B·N]; −1 for none. */
function tokenOfPlace(positions: Tensor, attended: Tensor): Tensor {
  const [rows, length] = [axisSize(attended, 0), axisSize(attended, 1)]
  const count = squeeze(shape(positions), 0)
  const numbers = range(constant(0, 'int64'), count, constant(1, 'int64'))
  const packed = scatterND(fill(-1, 'int64', mul(rows, length)), unsqueeze(positions, 1), numbers)
  const places = sized(packed, [rows, length])
  const none = constant(-1, 'int64')
  // Rows of no length have no largest.
  const padding = concat([where(attended, none, places), fill(-1, 'int64', concat([rows, one], 0))], 1)
  return reshape(where(attended, places, max(padding, 1, { keepDims: true })), [-1])
}

import { sizeOf } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { add, less, mul } from './binary.ts'
import { cast } from './cast.ts'
import { Concat, concat } from './concat.ts'
import { ints } from './constant.ts'
import { gather } from './gather.ts'
import { at } from './kernels.ts'
import { checkedIndex, intOf, mustBeIndex, operand } from './operands.ts'
import { countOf, range } from './range.ts'
import { prod } from './reduce.ts'
import { Reshape, reshape } from './reshape.ts'
import { axisSize, shape } from './shape.ts'
import { dimsOf, readRows, sameDim } from './sizes.ts'
import { slice } from './slice.ts'
import { squeeze } from './squeeze.ts'
import { where } from './where.ts'

/**
 * Slices by index tuples, the last axis of `indices`, row by row of the first `batch_dims` axes:
 * x [b, n, d], indices [b, k, 1], batch_dims 1 → [b, k, d].
 */
export const GatherND: Op = {
  name: 'GatherND',
  since: 11,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const indices = operand(inputs, 1)
    mustBeIndex(indices)
    const dims = dimsOf(x)
    const chosen = dimsOf(indices)
    const width = chosen?.at(-1)
    if (dims === undefined || chosen === undefined || typeof width !== 'number') {
      return [{ dtype: x.dtype, dims: undefined }]
    }
    const batch = intOf(attributes, 'batch_dims', 0)
    if (batch + width > dims.length || batch >= chosen.length) {
      throw new ShapeProblem(`tuples of ${width} after ${batch} batch axes do not fit`)
    }
    columns(indices, width).forEach((column, i) => {
      const count = column && countOf(column)
      if (count !== undefined) readRows(count, dims[batch + i] as Dim)
    })
    const rows = dims.slice(0, batch).map((dim, axis) => sameDim(dim, chosen[axis] as Dim))
    return [{ dtype: x.dtype, dims: [...rows, ...chosen.slice(batch, -1), ...dims.slice(batch + width)] }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const indices = at(inputs, 1)
    const batch = intOf(attributes, 'batch_dims', 0)
    const width = indices.dims.at(-1) as number
    const inner = sizeOf(x.dims.slice(batch + width))
    const result = context.zeros(x.dtype, [...indices.dims.slice(0, -1), ...x.dims.slice(batch + width)])
    const tuples = sizeOf(indices.dims.slice(0, -1))
    const perRow = sizeOf(indices.dims.slice(batch, -1))
    const rowSize = sizeOf(x.dims.slice(batch))
    for (let t = 0; t < tuples; t++) {
      let from = 0
      for (let i = 0; i < width; i++) {
        const size = x.dims[batch + i] as number
        from = from * size + checkedIndex(indices.data[t * width + i] as number, size)
      }
      const start = Math.floor(t / perRow) * rowSize + from * inner
      result.data.set(x.data.subarray(start, start + inner), t * inner)
    }
    return [result]
  },
  write: ({ inputs, attributes }) => ({
    type: 'GatherND',
    inputs,
    attributes: intOf(attributes, 'batch_dims', 0) === 0 ? {} : { batch_dims: attributes.batch_dims },
  }),
  expand({ inputs, attributes }, opset) {
    const batch = intOf(attributes, 'batch_dims', 0)
    if (opset >= 12 || batch === 0) return undefined
    const [x, indices] = inputs as readonly [Tensor, Tensor]
    return [asGather(x, cast(indices, 'int64'), batch)]
  },
  read: ({ inputs, attributes }) => ({ inputs, attributes: { batch_dims: intOf(attributes, 'batch_dims', 0) } }),
}

/** The parts that index tuples are joined of, where each is one index of all tuples. */
function columns(indices: Tensor, width: number): readonly (Tensor | undefined)[] {
  if (width === 1) return [indices]
  const { op, inputs, attributes } = indices.node
  const isJoined = op === Concat && attributes.axis === indices.rank - 1
  return isJoined && inputs.length === width ? inputs : []
}

// Batch axes and index axes folded into one, which a plain Gather indexes.
function asGather(x: Tensor, indices: Tensor, batch: number): Tensor {
  const width = indices.dims.at(-1) as number
  let flat: Tensor | undefined
  for (let i = 0; i < width; i++) {
    const size = axisSize(x, batch + i)
    const column = squeeze(slice(indices, { axis: -1, start: i, end: i + 1 }), -1)
    const index = where(less(column, 0), add(column, size), column)
    flat = flat === undefined ? index : add(mul(flat, size), index)
  }
  const rows = prod(shape(x, { end: batch }), 0)
  const rowSize = prod(shape(x, { start: batch, end: batch + width }), 0)
  const offsets = mul(range(0, rows, 1), rowSize)
  const perRow = applyOne(Reshape, [flat as Tensor, concat([shape(x, { end: batch }), ints([-1])], 0)])
  const offsetShape = concat([shape(x, { end: batch }), ints([1])], 0)
  const chosen = add(perRow, applyOne(Reshape, [offsets, offsetShape]))
  const table = applyOne(Reshape, [x, concat([ints([-1]), shape(x, { start: batch + width })], 0)])
  const picked = gather(table, reshape(chosen, [-1]), 0)
  const target = concat([shape(indices, { end: indices.rank - 1 }), shape(x, { start: batch + width })], 0)
  return applyOne(Reshape, [picked, target])
}

/** Slices by index tuples (last axis of `indices`), for each row of the first `batchDims` axes. */
export function gatherND(x: Tensor, indices: Tensor, batchDims = 0): Tensor {
  return applyOne(GatherND, [x, indices], { batch_dims: batchDims })
}

import { applyOne, MOST_ELEMENTS } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, type Tensor } from '../expression/tensor.ts'
import { constant, type Operand } from './constant.ts'
import { pick } from './contents.ts'
import { at } from './kernels.ts'
import { checkedIndex, frontAxis, intOf, mustBeIndex, numbersOf, operand } from './operands.ts'
import { dimsOf, staticDims } from './sizes.ts'
import { around } from './strides.ts'

/** Slices of an axis by index (negative: from the end): [pre, axis, post] and indices [i…] give [pre, i…, post]. */
export const Gather: Op = {
  name: 'Gather',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const indices = operand(inputs, 1)
    mustBeIndex(indices)
    const dims = dimsOf(x)
    const chosen = dimsOf(indices)
    if (dims === undefined || chosen === undefined) return [{ dtype: x.dtype, dims: undefined }]
    const axis = frontAxis(intOf(attributes, 'axis', 0), dims.length)
    const result = [...dims.slice(0, axis), ...chosen, ...dims.slice(axis + 1)]
    const size = dims[axis]
    const list = numbersOf(indices)
    if (typeof size === 'number') for (const index of list ?? []) checkedIndex(index, size)
    const sizes = staticDims(dims)
    const known = x.value && list && sizes && staticDims(result)?.reduce((a, b) => a * b, 1)
    const value =
      known !== undefined && known <= MOST_ELEMENTS
        ? pick(x.value as readonly Dim[], gatherPositions(sizes as readonly number[], list as readonly number[], axis))
        : undefined
    return [{ dtype: x.dtype, dims: result, value }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const indices = at(inputs, 1)
    const axis = frontAxis(intOf(attributes, 'axis', 0), x.dims.length)
    const { outer, size, inner } = around(x.dims, axis)
    const result = context.zeros(x.dtype, [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)])
    let to = 0
    for (let o = 0; o < outer; o++) {
      for (const index of indices.data) {
        const from = (o * size + checkedIndex(index, size)) * inner
        result.data.set(x.data.subarray(from, from + inner), to)
        to += inner
      }
    }
    return [result]
  },
  read({ inputs, attributes }) {
    const [x] = inputs
    const axis = intOf(attributes, 'axis', 0)
    return x && { inputs, attributes: { axis: x.hasShape ? frontAxis(axis, x.rank) : axis } }
  },
}

function gatherPositions(dims: readonly number[], indices: readonly number[], axis: number): Int32Array {
  const { outer, size, inner } = around(dims, axis)
  const positions = new Int32Array(outer * indices.length * inner)
  let to = 0
  for (let o = 0; o < outer; o++) {
    for (const index of indices) {
      const from = (o * size + checkedIndex(index, size)) * inner
      for (let i = 0; i < inner; i++) positions[to++] = from + i
    }
  }
  return positions
}

/** Slices of an axis by index; a plain number takes one slice and drops the axis. */
export function gather(x: Tensor, indices: Operand, axis: number | string = 0): Tensor {
  const list = typeof indices === 'number' ? constant(indices, 'int64') : indices
  return applyOne(Gather, [x, list], { axis: axisOf(x, axis) })
}

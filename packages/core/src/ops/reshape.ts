import { sizeOf } from '../array.ts'
import { TpError } from '../errors.ts'
import { applyOne } from '../expression/apply.ts'
import { type Dim, isCapped, isUnknown, unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { concat } from './concat.ts'
import { ints } from './constant.ts'
import { at, numbers, reshaped } from './kernels.ts'
import { frontAxis, intOf, mustBe, operand } from './operands.ts'
import { shape } from './shape.ts'
import { dimsOf, product, quotient, readRows, sameDim, shapeIn, staticDims } from './sizes.ts'

/**
 * The same elements under another shape, which is an input. In it 0 copies the input's size at the same place (unless
 * `allowzero`), one -1 takes what is left.
 */
export const Reshape: Op = {
  name: 'Reshape',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const target = operand(inputs, 1)
    mustBe('int64', target)
    const dims = resultDims(x, target, intOf(attributes, 'allowzero', 0) === 1)
    return [{ dtype: x.dtype, dims, value: staticDims(dims) && x.value }]
  },
  run(inputs, attributes) {
    const x = at(inputs, 0)
    const copy = intOf(attributes, 'allowzero', 0) !== 1
    const dims = numbers(at(inputs, 1)).map((dim, axis) => (dim === 0 && copy ? (x.dims[axis] as number) : dim))
    const rest = dims.indexOf(-1)
    if (rest >= 0) dims[rest] = x.data.length / sizeOf(dims.filter((_, axis) => axis !== rest))
    if (sizeOf(dims) !== x.data.length) throw new ShapeProblem(`${x.data.length} elements do not fit [${dims}]`)
    return [reshaped(x, dims)]
  },
  write: ({ inputs, attributes }, opset) => ({
    type: 'Reshape',
    inputs,
    attributes: opset >= 14 && attributes.allowzero === 1 ? { allowzero: 1 } : {},
  }),
}

function resultDims(x: Tensor, target: Tensor, allowZero: boolean): readonly Dim[] | undefined {
  const shape = shapeIn(target)
  if (target.value === undefined) return shape
  const from = dimsOf(x)
  const dims = target.value.map((dim, axis) => {
    if (dim !== 0 || allowZero) return dim
    if (from === undefined) return unknownDim()
    const copied = from[axis]
    if (copied === undefined) throw new ShapeProblem(`0 at axis ${axis} of [${target.value}] copies a missing axis`)
    return copied
  })
  // A size that is not known but is one of the input's, such as the number of images that are not padding, cancels out.
  const remaining = [...(from ?? [])]
  const known = dims.map((dim) => {
    const position = isUnknown(dim) ? remaining.indexOf(dim) : -1
    if (position >= 0) remaining.splice(position, 1)
    return position >= 0
  })
  const open = dims.flatMap((dim, axis) => (dim === -1 || (isUnknown(dim) && !known[axis]) ? [axis] : []))
  if (dims.filter((dim) => dim === -1).length > 1) throw new ShapeProblem(`[${target.value}] has more than one -1`)
  if (from === undefined) return dims.map((dim) => (dim === -1 ? unknownDim() : dim))
  const total = product(remaining)
  const [first, ...others] = open
  if (first === undefined) {
    const size = product(dims.filter((_, axis) => !known[axis]))
    if (typeof size === 'number' && typeof total === 'number' && size !== total) {
      throw new ShapeProblem(`${product(from)} elements do not fit [${dims}]`)
    }
    return capped(dims, total)
  }
  // a single size that is not known is what is left, whether it was written as -1 or not
  if (others.length === 0) {
    // `mask.view(batch, -1)` has the rows of the tokens, whatever the mask's own are called.
    if (from.length === 2 && dims.length === 2 && first === 1) readRows(dims[0] as Dim, from[0] as Dim)
    const rest = quotient(total, product(dims.filter((_, axis) => axis !== first && !known[axis])))
    if (rest !== undefined) dims[first] = rest
  }
  return dims.map((dim) => (dim === -1 ? unknownDim() : dim))
}

/** All sizes are known, and so is how many elements there are: min(64, N) is N if only N elements fit there. */
function capped(dims: readonly Dim[], total: Dim): readonly Dim[] {
  return dims.map((dim, axis) => {
    const size = quotient(total, product(dims.filter((_, other) => other !== axis)))
    return size !== undefined && isCapped(dim, size) ? sameDim(dim, size) : dim
  })
}

/** Two axes: those before `axis` in one, the others in one. */
export const Flatten: Op = {
  name: 'Flatten',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const dims = dimsOf(x)
    if (dims === undefined) return [{ dtype: x.dtype, dims: [unknownDim(), unknownDim()] }]
    const axis = flattenAxis(intOf(attributes, 'axis', 1), dims.length)
    return [{ dtype: x.dtype, dims: [product(dims.slice(0, axis)), product(dims.slice(axis))], value: x.value }]
  },
  run(inputs, attributes) {
    const x = at(inputs, 0)
    const axis = flattenAxis(intOf(attributes, 'axis', 1), x.dims.length)
    return [reshaped(x, [sizeOf(x.dims.slice(0, axis)), sizeOf(x.dims.slice(axis))])]
  },
  read({ inputs, attributes }) {
    const [x] = inputs
    if (x === undefined) return undefined
    const axis = intOf(attributes, 'axis', 1)
    if (axis < 0 && !x.hasShape) return undefined
    return { inputs, attributes: { axis: x.hasShape ? flattenAxis(axis, x.rank) : axis } }
  },
}

function flattenAxis(axis: number, rank: number): number {
  return axis === rank ? axis : frontAxis(axis, rank)
}

/**
 * The elements of `x` under other sizes: a number (-1: the remaining size), a size of `x` by its text, or an int64 scalar
 * computed in the graph. One size may be new text: it takes what is left.
 *
 * @throws TpError TP_SHAPE if two sizes cannot be found in `x`
 */
export function reshape(x: Tensor, dims: readonly (Dim | Tensor)[]): Tensor {
  let open = dims.includes(-1)
  const parts = dims.map((dim, axis) => {
    if (typeof dim !== 'string') return dim
    const { dims: from } = x
    if (from[axis] === dim) return 0
    if (!open) {
      open = true
      return -1
    }
    const position = from.indexOf(dim)
    if (position < 0) throw new TpError('TP_SHAPE', 'core', `reshape: ${x} has no size ${dim}, and -1 is taken`)
    return shape(x, { start: position, end: position + 1 })
  })
  return applyOne(Reshape, [x, sizeList(parts)])
}

/** An int64 list of sizes, some of them computed in the graph (scalars or lists of one). */
function sizeList(parts: readonly (number | Tensor)[]): Tensor {
  if (parts.every((part) => typeof part === 'number')) return ints(parts)
  return concat(
    parts.map((part) => {
      if (typeof part === 'number') return ints([part])
      return part.rank === 1 ? part : applyOne(Reshape, [part, ints([1])])
    }),
    0,
  )
}

/** An int64 list of sizes of which named ones are those of `x`. */
export function sizesOf(dims: readonly (Dim | Tensor)[], x: Tensor): Tensor {
  return sizeList(
    dims.map((dim) => {
      if (typeof dim !== 'string') return dim
      const position = x.dims.indexOf(dim)
      if (position < 0) throw new TpError('TP_SHAPE', 'core', `${x} has no size ${dim}`)
      return shape(x, { start: position, end: position + 1 })
    }),
  )
}

/** Two axes: those before `axis`, and the others. */
export function flatten(x: Tensor, axis = 1): Tensor {
  return applyOne(Flatten, [x], { axis })
}

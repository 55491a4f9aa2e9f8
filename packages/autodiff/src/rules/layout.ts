import {
  add,
  axisSize,
  concat,
  constantData,
  type Dim,
  fill,
  frontAxis,
  intOf,
  intsOf,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  textOf,
  transpose,
  triangle,
} from '@tp/core'
import { NoGradient, type Rule, range, reshapeLike, rule, sizesOf, sumTo, zerosLike } from '../rule.ts'

/** The same elements in another shape. */
const reshaped: Rule = rule((gradient, { input }) => [reshapeLike(gradient, input(0))])

const transposeRule: Rule = rule((gradient, { attributes, input }) => {
  const perm = intsOf(attributes, 'perm') ?? range(input(0).rank).reverse()
  return [
    transpose(
      gradient,
      range(perm.length).map((axis) => perm.indexOf(axis)),
    ),
  ]
})

/** Each part gets its piece back. */
const concatRule: Rule = rule((gradient, step) => {
  const axis = frontAxis(intOf(step.attributes, 'axis', 0), gradient.rank)
  let start: Tensor | undefined
  return step.inputs.map((_, index) => {
    const part = step.input(index)
    const end: Tensor = start === undefined ? axisSize(part, axis) : add(start, axisSize(part, axis))
    const piece = step.wants(index) ? slice(gradient, { axis, start: start ?? 0, end }) : undefined
    start = end
    return piece
  })
})

const splitRule: Rule = (step) => {
  const x = step.input(0)
  const axis = frontAxis(intOf(step.attributes, 'axis', 0), x.rank)
  const count =
    step.inputs[1]?.value?.length ??
    intsOf(step.attributes, 'split')?.length ??
    intOf(step.attributes, 'num_outputs', 1)
  const parts = range(count).map((index) => step.gradient(index) ?? zerosLike(step.output(index)))
  return [concat(parts, axis)]
}

/** What was cut off is 0. Axes are cut one by one, in whatever order. */
const sliceRule: Rule = rule((gradient, step) => {
  const [x, starts, ends] = [step.input(0), step.input(1), step.input(2)]
  const axes = intsOf(step.attributes, 'axes') ?? []
  const steps = intsOf(step.attributes, 'steps') ?? axes.map(() => 1)
  if (steps.some((size) => size !== 1)) throw new NoGradient('its steps are not 1')
  if (ends.value === undefined || starts.value === undefined)
    throw new NoGradient('where it starts and ends is not known')
  return [
    axes.reduce((whole, axis, i) => {
      const start = starts.value?.[i]
      if (typeof start !== 'number') throw new NoGradient('it starts at a place that is no number')
      const front = frontAxis(axis, x.rank)
      const before = start >= 0 ? start : add(axisSize(x, front), start)
      return putBack(whole, x, front, before)
    }, gradient),
  ]
})

/** A piece of an axis between zeros, so that the axis has the size that it has in `x`. */
function putBack(piece: Tensor, x: Tensor, axis: number, before: number | Tensor): Tensor {
  const [whole, part] = [x.dims[axis], piece.dims[axis]]
  const isStatic = typeof before === 'number' && typeof whole === 'number' && typeof part === 'number'
  const after = isStatic ? whole - before - part : sub(sub(axisSize(x, axis), before), axisSize(piece, axis))
  const zeros = (length: number | Tensor): Tensor[] => {
    if (length === 0) return []
    return [fill(0, piece.dtype, (piece.dims as readonly (Dim | Tensor)[]).with(axis, length), piece)]
  }
  const parts = [...zeros(before), piece, ...zeros(after)]
  return parts.length === 1 ? piece : concat(parts, axis)
}

const padRule: Rule = rule((gradient, step) => {
  const x = step.input(0)
  if (textOf(step.attributes, 'mode', 'constant') !== 'constant') throw new NoGradient('it repeats what is at the edge')
  const pads = step.input(1).value
  if (pads === undefined) throw new NoGradient('how much it adds is not known')
  return [
    range(x.rank).reduce((inner, axis) => {
      const start = pads[axis]
      if (typeof start !== 'number' || start < 0) throw new NoGradient('it adds a number of places that is not known')
      return slice(inner, { axis, start, end: add(axisSize(x, axis), start) })
    }, gradient),
  ]
})

/** Each axis of n·r is one of r and one of n; the copies come together. */
const tileRule: Rule = rule((gradient, step) => {
  const x = step.input(0)
  const repeats = constantData(step.input(1))?.data ?? step.input(1).value
  if (repeats === undefined) throw new NoGradient('how often it repeats is not known')
  const apart = sizesOf(x).flatMap((size, axis) => [Number(repeats[axis]), size])
  const copies = range(x.rank).map((axis) => 2 * axis)
  return [sum(reshape(gradient, apart), copies)]
})

const triluRule: Rule = rule((gradient, { attributes }) => [
  triangle(gradient, intOf(attributes, 'upper', 1) === 1 ? 'upper' : 'lower', intOf(attributes, 'k', 0)),
])

export const layoutRules: Readonly<Record<string, Rule>> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transposeRule,
  Expand: rule((gradient, { input }) => [sumTo(gradient, input(0))]),
  Concat: concatRule,
  Split: splitRule,
  Slice: sliceRule,
  Pad: padRule,
  Tile: tileRule,
  Trilu: triluRule,
}

import { add, axisSize, concat, reshape, slice, sub, sum, type Tensor, transpose, triangle } from '@tp/core'
import { constantData, frontAxis, intOf, intsOf, textOf } from '@tp/core/expression'
import { type GradientRule, NoGradient, range, reshapeLike, rule, sizesOf, sumTo, zerosLike } from '../rule.ts'

/** The same elements in another shape. */
const reshaped: GradientRule = rule((gradient, { input }) => [reshapeLike(gradient, input(0))])

const transposeRule: GradientRule = rule((gradient, { attributes, input }) => {
  const perm = intsOf(attributes, 'perm') ?? range(input(0).rank).reverse()
  return [
    transpose(
      gradient,
      range(perm.length).map((axis) => perm.indexOf(axis)),
    ),
  ]
})

/** Each part gets its piece back. */
const concatRule: GradientRule = rule((gradient, step) => {
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

const splitRule: GradientRule = (step) => {
  const x = step.input(0)
  const axis = frontAxis(intOf(step.attributes, 'axis', 0), x.rank)
  const count =
    step.inputs[1]?.value?.length ??
    intsOf(step.attributes, 'split')?.length ??
    intOf(step.attributes, 'num_outputs', 1)
  const parts = range(count).map((index) => step.gradient(index) ?? zerosLike(step.output(index)))
  return [concat(parts, axis)]
}

/** The original part gets its piece back; the constant gets the rest of the sum. */
const padRule: GradientRule = rule((gradient, step) => {
  const x = step.input(0)
  if (textOf(step.attributes, 'mode', 'constant') !== 'constant') throw new NoGradient('it repeats what is at the edge')
  const pads = step.input(1).value
  if (pads === undefined) throw new NoGradient('how much it adds is not known')
  const piece = range(x.rank).reduce((inner, axis) => {
    const start = pads[axis]
    if (typeof start !== 'number' || start < 0) throw new NoGradient('it adds a number of places that is not known')
    return slice(inner, { axis, start, end: add(axisSize(x, axis), start) })
  }, gradient)
  const total = (of: Tensor): Tensor => sum(of, range(x.rank))
  return [piece, undefined, step.wants(2) ? reshapeLike(sub(total(gradient), total(piece)), step.input(2)) : undefined]
})

/** Each axis of n·r is one of r and one of n; the copies come together. */
const tileRule: GradientRule = rule((gradient, step) => {
  const [x, repeats] = [step.input(0), step.input(1)]
  const known = constantData(repeats)?.data ?? repeats.value ?? []
  const times = (axis: number): number | Tensor => {
    const count = known[axis]
    return typeof count === 'number' ? count : slice(repeats, { axis: 0, start: axis, end: axis + 1 })
  }
  const apart = sizesOf(x).flatMap((size, axis) => [times(axis), size])
  const copies = range(x.rank).map((axis) => 2 * axis)
  return [sum(reshape(gradient, apart), copies)]
})

const triluRule: GradientRule = rule((gradient, { attributes }) => [
  triangle(gradient, intOf(attributes, 'upper', 1) === 1 ? 'upper' : 'lower', intOf(attributes, 'k', 0)),
])

export const layoutRules: Readonly<Record<string, GradientRule>> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transposeRule,
  Expand: rule((gradient, { input }) => [sumTo(gradient, input(0))]),
  Concat: concatRule,
  Split: splitRule,
  Pad: padRule,
  Tile: tileRule,
  Trilu: triluRule,
}

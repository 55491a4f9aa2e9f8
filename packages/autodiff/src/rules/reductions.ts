import {
  axisSize,
  cast,
  div,
  equal,
  exp,
  expand,
  greater,
  mul,
  sign,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { frontAxis, intOf, intsOf } from '@tp/core/expression'
import { type GradientRule, range, rule, type Step } from '../rule.ts'

/** The axes that a reduction goes over. */
function axesOf({ input, attributes }: Step): number[] {
  const { rank } = input(0)
  return intsOf(attributes, 'axes')?.map((axis) => frontAxis(axis, rank)) ?? range(rank)
}

/** All after the first two. */
function spatialAxes({ rank }: Tensor): number[] {
  return range(rank).slice(2)
}

/** A reduced value with its axes back, of size 1. */
function kept(x: Tensor, step: Step): Tensor {
  return intOf(step.attributes, 'keepdims', 1) === 1 ? x : unsqueeze(x, axesOf(step))
}

function reduction(of: (g: Tensor, x: Tensor, y: Tensor, step: Step) => Tensor): GradientRule {
  return rule((gradient, step) => {
    const x = step.input(0)
    return [expand(of(kept(gradient, step), x, kept(step.output(0), step), step), x.dims, x)]
  })
}

/** How many elements are reduced to one. */
function countOf(x: Tensor, axes: readonly number[]): Tensor | number {
  const sizes = axes.map((axis) => x.dims[axis])
  if (sizes.every((size) => typeof size === 'number')) return sizes.reduce((product, size) => product * size, 1)
  const lengths = axes.map((axis) => cast(axisSize(x, axis), x.dtype))
  return lengths.reduce((product, length) => mul(product, length))
}

/** The gradient by x, where y with gradient g are its largest elements (or least) along some axes: all of them share it. */
function shared(g: Tensor, x: Tensor, y: Tensor, axes: readonly number[]): Tensor {
  const isIt = cast(equal(x, y), x.dtype)
  return mul(isIt, div(g, sum(isIt, axes, { keepDims: true })))
}

const extreme = reduction((g, x, y, step) => shared(g, x, y, axesOf(step)))

export const reductionRules: Readonly<Record<string, GradientRule>> = {
  ReduceSum: reduction((g) => g),
  ReduceMean: reduction((g, x, _y, step) => div(g, countOf(x, axesOf(step)))),
  ReduceMax: extreme,
  ReduceMin: extreme,
  // Through the product itself, so not where an element is 0.
  ReduceProd: reduction((g, x, y) => div(mul(g, y), x)),
  ReduceL1: reduction((g, x) => mul(g, sign(x))),
  // At 0 the norm has no slope; 0 is one of its subgradients.
  ReduceL2: reduction((g, x, y) => where(greater(y, 0), div(mul(g, x), y), 0)),
  ReduceLogSum: reduction((g, _x, y) => div(g, exp(y))),
  ReduceLogSumExp: reduction((g, x, y) => mul(g, exp(sub(x, y)))),
  ReduceSumSquare: reduction((g, x) => mul(g, mul(x, 2))),
  Softmax: rule((gradient, step) => {
    const y = step.output(0)
    const axis = intOf(step.attributes, 'axis', -1)
    const weighted = mul(gradient, y)
    return [sub(weighted, mul(y, sum(weighted, axis, { keepDims: true })))]
  }),
  LogSoftmax: rule((gradient, step) => {
    const axis = intOf(step.attributes, 'axis', -1)
    return [sub(gradient, mul(exp(step.output(0)), sum(gradient, axis, { keepDims: true })))]
  }),
  GlobalAveragePool: rule((gradient, { input }) => {
    const x = input(0)
    return [expand(div(gradient, countOf(x, spatialAxes(x))), x.dims, x)]
  }),
  GlobalMaxPool: rule((gradient, { input, output }) => {
    const x = input(0)
    return [shared(gradient, x, output(0), spatialAxes(x))]
  }),
}

import {
  add,
  cast,
  div,
  equal,
  exp,
  expand,
  frontAxis,
  greater,
  intOf,
  intsOf,
  mean,
  mul,
  reciprocal,
  shape,
  sign,
  sqrt,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { type Rule, range, rule, type Step, sumTo } from '../rule.ts'

/** The axes that a reduction goes over. */
function axesOf({ input, attributes }: Step): number[] {
  const { rank } = input(0)
  return intsOf(attributes, 'axes')?.map((axis) => frontAxis(axis, rank)) ?? range(rank)
}

/** A reduced value with its axes back, of size 1. */
function kept(x: Tensor, step: Step): Tensor {
  return intOf(step.attributes, 'keepdims', 1) === 1 ? x : unsqueeze(x, axesOf(step))
}

function reduction(of: (g: Tensor, x: Tensor, y: Tensor, step: Step) => Tensor): Rule {
  return rule((gradient, step) => {
    const x = step.input(0)
    return [expand(of(kept(gradient, step), x, kept(step.output(0), step), step), x.dims, x)]
  })
}

/** How many elements come together in one. */
function count(step: Step): Tensor | number {
  const x = step.input(0)
  const sizes = axesOf(step).map((axis) => x.dims[axis])
  if (sizes.every((size) => typeof size === 'number')) return sizes.reduce((product, size) => product * size, 1)
  const lengths = axesOf(step).map((axis) => cast(shape(x, { start: axis, end: axis + 1 }), x.dtype))
  return lengths.reduce((product, length) => mul(product, length))
}

/** All that are the largest share the gradient. */
const extreme = reduction((g, x, y, step) => {
  const isIt = cast(equal(x, y), x.dtype)
  return mul(isIt, div(g, sum(isIt, axesOf(step), { keepDims: true })))
})

/** (x − mean) / √(variance + epsilon) · scale + bias (Ba et al., arXiv:1607.06450). */
function normalisation(centred: boolean): Rule {
  return rule((gradient, step) => {
    const [x, scale, bias] = [step.input(0), step.input(1), step.inputs[2]]
    const axes = range(x.rank).slice(frontAxis(intOf(step.attributes, 'axis', -1), x.rank))
    const average = (of: Tensor): Tensor => mean(of, axes, { keepDims: true })
    const moved = centred ? sub(x, average(x)) : x
    const inverse = reciprocal(sqrt(add(average(mul(moved, moved)), intOf(step.attributes, 'epsilon', 1e-5))))
    const normal = mul(moved, inverse)
    const scaled = mul(gradient, scale)
    const along = mul(normal, average(mul(scaled, normal)))
    const across = centred ? sub(sub(scaled, average(scaled)), along) : sub(scaled, along)
    return [
      step.wants(0) ? mul(inverse, across) : undefined,
      step.wants(1) ? sumTo(mul(gradient, normal), scale) : undefined,
      step.wants(2) && bias ? sumTo(gradient, bias) : undefined,
    ]
  })
}

export const reductionRules: Readonly<Record<string, Rule>> = {
  ReduceSum: reduction((g) => g),
  ReduceMean: reduction((g, _x, _y, step) => div(g, count(step))),
  ReduceMax: extreme,
  ReduceMin: extreme,
  // Through the product itself, so not where an element is 0.
  ReduceProd: reduction((g, x, y) => div(mul(g, y), x)),
  ReduceL1: reduction((g, x) => mul(g, sign(x))),
  // At 0 the norm has no slope; 0 is one of its subgradients.
  ReduceL2: reduction((g, x, y) => where(greater(y, 0), div(mul(g, x), y), 0)),
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
  LayerNormalization: normalisation(true),
  RMSNormalization: normalisation(false),
  SimplifiedLayerNormalization: normalisation(false),
}

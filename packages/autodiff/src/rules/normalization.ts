import {
  add,
  div,
  greater,
  mean,
  mul,
  neg,
  norm1,
  norm2,
  reciprocal,
  reshape,
  sign,
  sqrt,
  sub,
  sum,
  type Tensor,
  where,
} from '@tp/core'
import { frontAxis, intOf } from '@tp/core/expression'
import { type GradientRule, range, reshapeLike, rule, type Step, sumTo } from '../rule.ts'

/**
 * (x − mean) / √(variance + epsilon) · scale + bias (Ba et al., arXiv:1607.06450), in the shape in which scale and bias
 * broadcast to x.
 */
function gradientsOf(
  gradient: Tensor,
  step: Step,
  { axes, centered, like }: { axes: readonly number[]; centered: boolean; like: (parameter: Tensor) => Tensor },
): (Tensor | undefined)[] {
  const [x, scale, bias] = [step.input(0), step.input(1), step.inputs[2]]
  const average = (of: Tensor): Tensor => mean(of, axes, { keepDims: true })
  const moved = centered ? sub(x, average(x)) : x
  const inverse = reciprocal(sqrt(add(average(mul(moved, moved)), intOf(step.attributes, 'epsilon', 1e-5))))
  const normal = mul(moved, inverse)
  const ofX = (): Tensor => {
    const scaled = mul(gradient, like(scale))
    const along = mul(normal, average(mul(scaled, normal)))
    const across = centered ? sub(sub(scaled, average(scaled)), along) : sub(scaled, along)
    return mul(inverse, across)
  }
  const back = (of: Tensor, parameter: Tensor): Tensor => reshapeLike(sumTo(of, like(parameter)), parameter)
  return [
    step.wants(0) ? ofX() : undefined,
    step.wants(1) ? back(mul(gradient, normal), scale) : undefined,
    step.wants(2) && bias ? back(gradient, bias) : undefined,
  ]
}

/** Over the axes from `axis` on. */
function overLastAxes(centered: boolean): GradientRule {
  return rule((gradient, step) => {
    const { rank } = step.input(0)
    const axes = range(rank).slice(frontAxis(intOf(step.attributes, 'axis', -1), rank))
    return gradientsOf(gradient, step, { axes, centered, like: (parameter) => parameter })
  })
}

/** Over the spatial axes of each channel, to which scale and bias [channels] belong. */
const overSpace: GradientRule = rule((gradient, step) => {
  const axes = range(step.input(0).rank).slice(2)
  const like = (parameter: Tensor): Tensor => reshape(parameter, [-1, ...axes.map(() => 1)])
  return gradientsOf(gradient, step, { axes, centered: true, like })
})

/** By statistics that are inputs, so that each element depends on itself alone. */
const byStoredStatistics: GradientRule = rule((gradient, step) => {
  const [x, scale, mean, variance] = [step.input(0), step.input(1), step.input(3), step.input(4)]
  const like = (parameter: Tensor): Tensor => reshape(parameter, [-1, ...range(x.rank - 2).map(() => 1)])
  const inverse = reciprocal(sqrt(add(like(variance), intOf(step.attributes, 'epsilon', 1e-5))))
  const centered = sub(x, like(mean))
  const back = (of: Tensor, parameter: Tensor): Tensor => reshapeLike(sumTo(of, like(parameter)), parameter)
  const ofX = mul(gradient, mul(like(scale), inverse))
  return [
    step.wants(0) ? ofX : undefined,
    step.wants(1) ? back(mul(gradient, mul(centered, inverse)), scale) : undefined,
    step.wants(2) ? back(gradient, step.input(2)) : undefined,
    step.wants(3) ? back(neg(ofX), mean) : undefined,
    step.wants(4) ? back(mul(mul(ofX, centered), mul(mul(inverse, inverse), -0.5)), variance) : undefined,
  ]
})

/** x / |x|: each vector's gradient without what lies along it; by the sum of absolute values likewise. */
const byLength: GradientRule = rule((gradient, step) => {
  const [x, y] = [step.input(0), step.output(0)]
  const axis = intOf(step.attributes, 'axis', -1)
  const isSum = intOf(step.attributes, 'p', 2) === 1
  const length = isSum ? norm1(x, axis, { keepDims: true }) : norm2(x, axis, { keepDims: true })
  const along = mul(isSum ? sign(x) : y, sum(mul(gradient, y), axis, { keepDims: true }))
  return [where(greater(length, 0), div(sub(gradient, along), length), 0)]
})

export const normalizationRules: Readonly<Record<string, GradientRule>> = {
  LayerNormalization: overLastAxes(true),
  RMSNormalization: overLastAxes(false),
  SimplifiedLayerNormalization: overLastAxes(false),
  InstanceNormalization: overSpace,
  BatchNormalization: byStoredStatistics,
  LpNormalization: byLength,
}

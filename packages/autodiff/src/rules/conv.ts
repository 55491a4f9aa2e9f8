import { applyOne, intOf, intsOf, type Op, operators, slice, sum, type Tensor, transpose } from '@tp/core'
import { NoGradient, type Rule, range, rule } from '../rule.ts'

/**
 * Of the weights and the bias: where a convolution is the first thing that a model does (patches), nothing in front of it
 * learns. dW is a convolution, too: of the input with the gradient, batch and channels having changed places, and strides
 * and dilations likewise.
 */
const convRule: Rule = rule((gradient, step) => {
  const [x, weight] = [step.input(0), step.input(1)]
  if (step.wants(0)) throw new NoGradient('what is in front of a convolution is not trained here')
  if (intOf(step.attributes, 'group', 1) !== 1) throw new NoGradient('its channels are in groups')
  return [
    undefined,
    step.wants(1) ? ofWeight(gradient, x, weight, step.attributes) : undefined,
    step.wants(2) ? sum(gradient, [0, ...range(gradient.rank).slice(2)]) : undefined,
  ]
})

function ofWeight(gradient: Tensor, x: Tensor, weight: Tensor, attributes: Parameters<typeof intsOf>[0]): Tensor {
  const spatial = range(x.rank - 2)
  const swap = (t: Tensor): Tensor => transpose(t, [1, 0, ...spatial.map((axis) => axis + 2)])
  const ones = spatial.map(() => 1)
  const found = applyOne(operators.get('Conv') as Op, [swap(x), swap(gradient)], {
    group: 1,
    strides: intsOf(attributes, 'dilations') ?? ones,
    dilations: intsOf(attributes, 'strides') ?? ones,
    pads: intsOf(attributes, 'pads') ?? [...ones, ...ones].map(() => 0),
  })
  // Where the last stride ends short of the edge, there are more places than the kernel has.
  return spatial.reduce(
    (kernel, axis) => slice(kernel, { axis: axis + 2, start: 0, end: weight.dims[axis + 2] as number }),
    swap(found),
  )
}

export const convRules: Readonly<Record<string, Rule>> = { Conv: convRule }

import { axisSize, cast, div, mul, slice } from '@tp/core'
import { applyOne, frontAxis, intOf, type Op, operators } from '@tp/core/expression'
import { type GradientRule, NoGradient, rule } from '../rule.ts'

/** A transform's adjoint is the other direction's, which differs by the factor n that only the inverse divides by. */
const dftRule: GradientRule = rule((gradient, step) => {
  const x = step.input(0)
  if (step.inputs[1] !== undefined || intOf(step.attributes, 'onesided', 0) === 1) {
    throw new NoGradient('it has another length than its input')
  }
  const axis = frontAxis(intOf(step.attributes, 'axis', 1), x.rank)
  const inverse = intOf(step.attributes, 'inverse', 0)
  const found = applyOne(operators.get('DFT') as Op, [gradient], { axis, inverse: 1 - inverse, onesided: 0 })
  const length = cast(axisSize(x, axis), x.dtype)
  const scaled = inverse === 1 ? div(found, length) : mul(found, length)
  return [x.dims.at(-1) === 1 ? slice(scaled, { axis: x.rank - 1, start: 0, end: 1 }) : scaled]
})

export const dftRules: Readonly<Record<string, GradientRule>> = { DFT: dftRule }

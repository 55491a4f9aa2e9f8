import { axisSize, cast, concat, constant, equal, matmul, reshape, type Tensor, transpose, unsqueeze } from '@tp/core'
import { applyOne, constantData, intsOf, type Op, operators } from '@tp/core/expression'
import { type GradientRule, NoGradient, range, rule, type Step } from '../rule.ts'
import { countTo } from './rows.ts'

/**
 * Interpolation mixes the elements of an axis, whatever they are: its matrix is what becomes of the unit vectors, and the
 * gradient goes through its transpose, one axis after the other.
 */
const resizeRule: GradientRule = rule((gradient, step) => {
  const x = step.input(0)
  if ((step.attributes.keep_aspect_ratio_policy ?? 'stretch') !== 'stretch') {
    throw new NoGradient('it chooses sizes of its own')
  }
  const axes = intsOf(step.attributes, 'axes') ?? range(x.rank)
  return [
    axes.reduce((piece, axis, i) => {
      if (isSame(x, gradient, axis, constantData(step.inputs[2])?.data[i])) return piece
      const last = piece.rank - 1
      const order = range(piece.rank).map((other) => (other === axis ? last : other === last ? axis : other))
      return transpose(matmul(transpose(piece, order), resizedUnits(x, gradient, axis, i, step)), order)
    }, gradient),
  ]
})

function isSame(x: Tensor, y: Tensor, axis: number, factor: number | undefined): boolean {
  return factor === 1 || (factor === undefined && x.dims[axis] === y.dims[axis])
}

/** Unit vectors of an axis resized as it is: [after, before]. Runtimes do some modes for four axes only. */
function resizedUnits(x: Tensor, y: Tensor, axis: number, i: number, { inputs, attributes }: Step): Tensor {
  const places = countTo(axisSize(x, axis))
  const units = cast(equal(unsqueeze(places, 1), unsqueeze(places, 0)), x.dtype)
  const one = constant([1], 'int64')
  const { axes: _, keep_aspect_ratio_policy: __, ...form } = attributes
  const factor = constantData(inputs[2])?.data[i]
  const target =
    factor === undefined
      ? [undefined, concat([one, one, axisSize(y, axis), axisSize(x, axis)], 0)]
      : [constant([1, 1, factor, 1]), undefined]
  if (factor === undefined && inputs[3] === undefined) throw new NoGradient('its factors are computed')
  const resized = applyOne(operators.get('Resize') as Op, [unsqueeze(units, [0, 1]), undefined, ...target], form)
  return reshape(resized, [axisSize(y, axis), axisSize(x, axis)])
}

export const resizeRules: Readonly<Record<string, GradientRule>> = { Resize: resizeRule }

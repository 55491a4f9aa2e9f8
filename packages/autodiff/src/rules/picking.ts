import {
  add,
  axisSize,
  cast,
  concat,
  cumSum,
  equal,
  expand,
  gatherElements,
  gatherND,
  less,
  mul,
  reshape,
  scatterElements,
  scatterND,
  squeeze,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { frontAxis, intOf, textOf } from '@tp/core/expression'
import { type GradientRule, range, rule, type Step, zerosLike } from '../rule.ts'
import { countTo, rowsBack } from './rows.ts'

/** Rows that are read several times add up their gradients (as in an embedding). */
const gatherRule: GradientRule = rule((gradient, step) => {
  const [x, indices] = [step.input(0), step.input(1)]
  const axis = frontAxis(intOf(step.attributes, 'axis', 0), x.rank)
  if (indices.rank === 0) return [atOnePlace(unsqueeze(gradient, axis), x, indices, axis)]
  return [rowsBack(gradient, x, indices, axis)]
})

/** One place of an axis, as a class token is read: no scattering. */
function atOnePlace(row: Tensor, x: Tensor, index: Tensor, axis: number): Tensor {
  const size = axisSize(x, axis)
  const place = cast(index, 'int64')
  const front = where(less(place, 0), add(place, squeeze(size, 0)), place)
  const isIt = cast(equal(countTo(size), front), row.dtype)
  const shape = range(x.rank).map((i) => (i === axis ? -1 : 1))
  return mul(row, reshape(isIt, shape))
}

/** Index tuples with the batch axes written out, as ScatterND takes them. */
const gatherNDRule: GradientRule = rule((gradient, step) => {
  const [x, indices] = [step.input(0), step.input(1)]
  const batch = intOf(step.attributes, 'batch_dims', 0)
  const tuples = range(batch).map((axis) => {
    const numbers = cast(countTo(axisSize(indices, axis)), indices.dtype)
    const shape = range(indices.rank).map((i) => (i === axis ? -1 : 1))
    return expand(reshape(numbers, shape), [...indices.dims.slice(0, -1), 1], indices)
  })
  const whole = tuples.length === 0 ? indices : concat([...tuples, indices], indices.rank - 1)
  return [scatterND(zerosLike(x), whole, gradient, { reduction: 'add' })]
})

function axisOf({ input, attributes }: Step): number {
  return frontAxis(intOf(attributes, 'axis', 0), input(0).rank)
}

export const pickingRules: Readonly<Record<string, GradientRule>> = {
  Gather: gatherRule,
  GatherND: gatherNDRule,
  GatherElements: rule((gradient, step) => {
    const added = { axis: axisOf(step), reduction: 'add' } as const
    return [scatterElements(zerosLike(step.input(0)), step.input(1), gradient, added)]
  }),
  ScatterElements: rule((gradient, step) => {
    const [axis, indices] = [axisOf(step), step.input(1)]
    const isAdded = textOf(step.attributes, 'reduction', 'none') === 'add'
    const covered = (): Tensor => scatterElements(gradient, indices, zerosLike(step.input(2)), { axis })
    return [
      step.wants(0) ? (isAdded ? gradient : covered()) : undefined,
      undefined,
      step.wants(2) ? gatherElements(gradient, indices, axis) : undefined,
    ]
  }),
  ScatterND: rule((gradient, step) => {
    const indices = step.input(1)
    const isAdded = textOf(step.attributes, 'reduction', 'none') === 'add'
    const covered = (): Tensor => scatterND(gradient, indices, zerosLike(step.input(2)))
    return [
      step.wants(0) ? (isAdded ? gradient : covered()) : undefined,
      undefined,
      step.wants(2) ? gatherND(gradient, indices) : undefined,
    ]
  }),
  /** Through the values; the places have no slope. */
  TopK: (step) => {
    const gradient = step.gradient(0)
    if (gradient === undefined) return [undefined]
    const axis = frontAxis(intOf(step.attributes, 'axis', -1), step.input(0).rank)
    return [scatterElements(zerosLike(step.input(0)), step.output(1), gradient, { axis, reduction: 'add' })]
  },
  CumSum: rule((gradient, { attributes }) => [
    cumSum(gradient, intOf(attributes, 'axis', 0), {
      exclusive: intOf(attributes, 'exclusive', 0) === 1,
      reverse: intOf(attributes, 'reverse', 0) !== 1,
    }),
  ]),
}

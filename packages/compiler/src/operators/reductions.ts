import type { Tensor } from '@tp/core'
import { fits } from './node-inputs.ts'
import { exceptTokenAxis } from './norms.ts'
import type { OperatorEntries, PackRule, RowRule } from './operator.ts'
import { countsNoTokens } from './packing.ts'
import { withoutAxes } from './reshapes.ts'

const rows: RowRule = ({ inputs, attributes }, axis) => {
  const axes = (attributes.axes as readonly number[] | undefined) ?? []
  const from = attributes.keepdims === 0 ? withoutAxes(axes, (inputs[0] as Tensor).rank)[axis] : axis
  return [from === undefined || axes.includes(from) ? 'all' : from]
}

const packs: PackRule = (view) => {
  const { attributes } = view.output.node
  const axes = attributes.axes ?? (attributes.axis === undefined ? undefined : [attributes.axis])
  return Array.isArray(axes) && axes.every((axis) => countsNoTokens(view, axis))
}

/** Operators that reduce axes. Reduced over the tokens, the result is over those that are kept. */
export const reductions: OperatorEntries = {
  ReduceMean: { traits: ['reduction', 'average'], reduces: 'mean', rows, repair: fits, packs, zeroFrom: 'first' },
  ReduceSum: { traits: ['reduction'], reduces: 'sum', rows, repair: fits, packs, zeroFrom: 'first' },
  ReduceMax: {
    traits: ['reduction'],
    reduces: 'max',
    rows,
    repair: fits,
    packs,
    zeroFrom: 'first',
    zeroOrOneFrom: 'first',
  },
  ReduceMin: { traits: ['reduction'], rows, repair: fits, packs, zeroFrom: 'first', zeroOrOneFrom: 'first' },
  ReduceL2: { traits: ['reduction'], rows, repair: fits, packs, zeroFrom: 'first' },
  ReduceL1: { traits: ['reduction'], repair: fits, packs, zeroFrom: 'first' },
  ReduceSumSquare: { traits: ['reduction'], repair: fits, packs, zeroFrom: 'first' },
  ReduceLogSumExp: { traits: ['reduction'], rows, repair: fits, packs },
  ReduceProd: { traits: ['reduction'], repair: fits, packs, zeroFrom: 'first' },
  ReduceLogSum: { traits: ['reduction'], packs, singular: 0 },
  ArgMax: { traits: ['shape'], repair: exceptTokenAxis('axis', 0), packs, neverNegative: () => true },
  ArgMin: { traits: ['shape'], repair: exceptTokenAxis('axis', 0), neverNegative: () => true },
}

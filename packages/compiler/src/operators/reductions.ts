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
  ReduceMean: { rows, repair: fits, packs, zeroFrom: 'first' },
  ReduceSum: { rows, repair: fits, packs, zeroFrom: 'first' },
  ReduceMax: { rows, repair: fits, packs, zeroFrom: 'first' },
  ReduceMin: { rows, repair: fits, packs, zeroFrom: 'first' },
  ReduceL2: { rows, repair: fits, packs, zeroFrom: 'first' },
  ReduceL1: { repair: fits, packs, zeroFrom: 'first' },
  ReduceSumSquare: { repair: fits, packs, zeroFrom: 'first' },
  ReduceLogSumExp: { repair: fits, packs },
  ReduceProd: { repair: fits, packs, zeroFrom: 'first' },
  ReduceLogSum: { packs, singular: 0 },
  ArgMax: { repair: exceptTokenAxis('axis', 0), packs },
  ArgMin: { repair: exceptTokenAxis('axis', 0) },
}

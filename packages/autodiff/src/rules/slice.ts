import { add, axisSize, concat, fill, slice, sub, type Tensor } from '@tp/core'
import { applyOne, type Dim, frontAxis, intsOf, type Op, operators } from '@tp/core/expression'
import { type GradientRule, rule } from '../rule.ts'
import { countTo, rowsBack } from './rows.ts'

/** Exporters write a start as far as this before the end for "from the first". */
const FAR = 2 ** 31 - 1

/** The part that was cut off has gradient 0. Axes are cut one by one, in whatever order. */
const sliceRule: GradientRule = rule((gradient, step) => {
  const [x, starts, ends] = [step.input(0), step.input(1), step.input(2)]
  const axes = intsOf(step.attributes, 'axes') ?? []
  const steps = intsOf(step.attributes, 'steps') ?? []
  return [
    axes.reduce((piece, axis, i) => {
      const front = frontAxis(axis, x.rank)
      const start = starts.value?.[i]
      const before = typeof start === 'number' && (steps[i] ?? 1) === 1 ? placeOf(start, x, front) : undefined
      return before === undefined
        ? scattered(piece, x, front, { starts, ends, i, by: steps[i] ?? 1 })
        : putBack(piece, x, front, before)
    }, gradient),
  ]
})

/** Where a piece begins, counted from the first element. */
function placeOf(start: number, x: Tensor, axis: number): number | Tensor {
  const size = x.dims[axis]
  if (start <= -FAR) return 0
  if (typeof size === 'number') return start < 0 ? Math.max(0, size + start) : Math.min(size, start)
  return start < 0 ? add(axisSize(x, axis), start) : start
}

/** A piece of an axis between zeros, so that the axis has the size that it has in `x`. */
export function putBack(piece: Tensor, x: Tensor, axis: number, before: number | Tensor): Tensor {
  const [whole, part] = [x.dims[axis], piece.dims[axis]]
  const isStatic = typeof before === 'number' && typeof whole === 'number' && typeof part === 'number'
  const after = isStatic ? whole - before - part : sub(sub(axisSize(x, axis), before), axisSize(piece, axis))
  const zeros = (length: number | Tensor): Tensor[] => (length === 0 ? [] : [zerosNextTo(piece, axis, length)])
  const parts = [...zeros(before), piece, ...zeros(after)]
  return parts.length === 1 ? piece : concat(parts, axis)
}

function zerosNextTo(piece: Tensor, axis: number, length: number | Tensor): Tensor {
  return fill(0, piece.dtype, (piece.dims as readonly (Dim | Tensor)[]).with(axis, length), piece)
}

/** With steps, backwards, or from a place that the graph computes: the same slice of 0, 1, … says where elements were. */
function scattered(
  piece: Tensor,
  x: Tensor,
  axis: number,
  { starts, ends, i, by }: { starts: Tensor; ends: Tensor; i: number; by: number },
): Tensor {
  const own = (list: Tensor): Tensor => slice(list, { axis: 0, start: i, end: i + 1 })
  const places = applyOne(operators.get('Slice') as Op, [countTo(axisSize(x, axis)), own(starts), own(ends)], {
    axes: [0],
    steps: [by],
  })
  return rowsBack(piece, zerosNextTo(piece, axis, axisSize(x, axis)), places, axis)
}

export const sliceRules: Readonly<Record<string, GradientRule>> = { Slice: sliceRule }

import { TpError } from '../errors.ts'
import { applyOne } from '../expression/apply.ts'
import {
  addDims,
  chosenFrom,
  type Dim,
  isPositive,
  isUnknown,
  mulDims,
  subDims,
  unknownDim,
} from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { constant, ints, type Operand } from './constant.ts'
import { isGreater, pick, smaller } from './contents.ts'
import { at, numbers, picked } from './kernels.ts'
import { frontAxes, frontAxis, intsOf, numbersOf, operand } from './operands.ts'
import { dimsOf, staticDims } from './sizes.ts'
import { unsqueeze } from './squeeze.ts'
import { stridesOf, walk } from './strides.ts'

// exporters write 2^31-1 or 2^63-1 for "to the end"
const END = 2 ** 31 - 1

/** Parts of axes: inputs `starts` and `ends` (negative: from the end), attributes `axes` and `steps`. */
export const Slice: Op = {
  name: 'Slice',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const starts = operand(inputs, 1)
    const ends = operand(inputs, 2)
    const dims = dimsOf(x)
    const axes = intsOf(attributes, 'axes') ?? []
    const steps = intsOf(attributes, 'steps') ?? []
    for (const list of [starts, ends]) {
      const count = list.hasShape ? list.dims[0] : undefined
      if (typeof count === 'number' && count !== axes.length) {
        throw new ShapeProblem(`has ${count} starts or ends for ${axes.length} axes`)
      }
    }
    const result = dims && [...dims]
    axes.forEach((axis, i) => {
      if (result === undefined) return
      const position = frontAxis(axis, result.length)
      const start = starts.value?.[i]
      const end = ends.value?.[i]
      result[position] =
        start === undefined || end === undefined
          ? unknownDim()
          : sliceLength(start, end, steps[i] ?? 1, result[position] as Dim)
    })
    const sizes = staticDims(dims)
    const from = numbersOf(starts)
    const to = numbersOf(ends)
    const value =
      x.value && sizes && from && to && pick(x.value, slicePositions(sizes, from, to, axes, steps).positions)
    return [{ dtype: x.dtype, dims: result, value }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const { dims, positions } = slicePositions(
      x.dims,
      numbers(at(inputs, 1)),
      numbers(at(inputs, 2)),
      intsOf(attributes, 'axes') ?? [],
      intsOf(attributes, 'steps') ?? [],
    )
    return [picked(x, dims, positions, context)]
  },
  write({ inputs: [x, starts, ends], attributes }, opset) {
    const axes = intsOf(attributes, 'axes') ?? []
    const steps = intsOf(attributes, 'steps') ?? []
    if (opset >= 10) {
      const like = starts?.dtype ?? 'int64'
      return {
        type: 'Slice',
        inputs: [
          x,
          starts,
          ends,
          constant(axes, like),
          ...(steps.some((step) => step !== 1) ? [constant(steps, like)] : []),
        ],
        attributes: {},
      }
    }
    const from = numbersOf(starts)
    const to = numbersOf(ends)
    if (from === undefined || to === undefined || steps.some((step) => step !== 1)) {
      throw new TpError('TP_OPSET', 'core', `this Slice needs opset 10, the file has ${opset}`)
    }
    return { type: 'Slice', inputs: [x], attributes: { axes, starts: from, ends: to } }
  },
  read({ inputs, attributes }, opset) {
    const [x, first, second, third, fourth] = inputs
    if (x === undefined) return undefined
    const old = opset < 10
    const from = intsOf(attributes, 'starts') ?? []
    const starts = old ? ints(from) : first
    const ends = old ? ints(intsOf(attributes, 'ends') ?? []) : second
    if (starts === undefined || ends === undefined) return undefined
    const count = starts.hasShape ? starts.dims[0] : undefined
    const axes = old ? intsOf(attributes, 'axes') : third && numbersOf(third)
    if (!old && third !== undefined && axes === undefined) return undefined
    const steps = fourth === undefined ? undefined : numbersOf(fourth)
    if (fourth !== undefined && steps === undefined) return undefined
    const size = axes?.length ?? count
    if (typeof size !== 'number' || size > MOST_AXES) return undefined
    const all = axes ?? Array.from({ length: size }, (_, axis) => axis)
    return {
      inputs: [x, starts, ends],
      attributes: { axes: frontAxes(all, x), steps: steps ?? all.map(() => 1) },
    }
  },
}

/** More axes than any tensor has; only a broken file slices more. */
const MOST_AXES = 64

/** Length of a slice. Where a named size meets a bound, the bound is taken to lie inside the axis. */
function sliceLength(start: Dim, end: Dim, step: number, dim: Dim): Dim {
  if (typeof start === 'number' && typeof end === 'number' && typeof dim === 'number') {
    const { from, count } = bounds(start, end, step, dim)
    return from < 0 ? 0 : count
  }
  if (step !== 1 || isUnknown(start) || isUnknown(end)) {
    const reversed = step === -1 && (start === -1 || (typeof start === 'number' && start >= END))
    return reversed && typeof end === 'number' && end <= -END ? dim : unknownDim()
  }
  const fromFirst = typeof start === 'number' && start <= -END
  const from = fromFirst ? 0 : isNegative(start) ? addDims(dim, start) : start
  const to = upper(end, dim)
  if (typeof to === 'number' && typeof from === 'number') return Math.max(0, to - from)
  // The last min(2048, n) rows of a table begin at max(0, 2048 - n).
  const ends = chosenFrom('max', from)
  return ends === undefined ? subDims(to, from) : smaller(subDims(to, ends[0]), subDims(to, ends[1]))
}

function upper(end: Dim, dim: Dim): Dim {
  if (isNegative(end)) return addDims(dim, end)
  if (typeof end === 'number') {
    if (end >= END) return dim
    if (isUnknown(dim)) return unknownDim()
    return smaller(dim, end)
  }
  if (typeof dim === 'number') return end
  if (isUnknown(dim)) return end
  return isGreater(end, dim) === 0 ? end : isGreater(dim, end) === 0 ? dim : end
}

function isNegative(bound: Dim): boolean {
  return !isUnknown(bound) && isPositive(mulDims(bound, -1))
}

function bounds(start: number, end: number, step: number, size: number): { from: number; count: number } {
  const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high)
  const first = start < 0 ? start + size : start
  const last = end < 0 ? end + size : end
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1]
  const from = clamp(first, 0, high)
  return { from, count: Math.max(0, Math.ceil((clamp(last, low, high) - from) / step)) }
}

function slicePositions(
  dims: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[],
  steps: readonly number[],
): { dims: number[]; positions: Int32Array } {
  const strides = stridesOf(dims)
  const sizes = [...dims]
  let offset = 0
  axes.forEach((axis, i) => {
    const position = frontAxis(axis, dims.length)
    const step = steps[i] ?? 1
    const stride = strides[position] as number
    const { from, count } = bounds(starts[i] as number, ends[i] as number, step, dims[position] as number)
    sizes[position] = count
    offset += from * stride
    strides[position] = stride * step
  })
  return { dims: sizes, positions: walk(sizes, strides, offset) }
}

/** Which part of one axis: from `start` up to but not with `end` (default: the end), every `step`-th. */
export interface SlicePart {
  readonly axis: number | string
  readonly start: Operand
  readonly end?: Operand
  readonly step?: number
}

/** Part of one axis; negative bounds count from its end; bounds may be int64 scalars computed in the graph. */
export function slice(x: Tensor, { axis, start, end = END, step = 1 }: SlicePart): Tensor {
  return applyOne(Slice, [x, listOfOne(start), listOfOne(end)], { axes: [axisOf(x, axis)], steps: [step] })
}

function listOfOne(bound: Operand): Tensor {
  if (typeof bound === 'number') return ints([bound])
  return bound.hasShape && bound.rank === 0 ? unsqueeze(bound, 0) : bound
}

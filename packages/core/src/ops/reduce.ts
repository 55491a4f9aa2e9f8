import { sizeOf } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import { addDims, type Dim, mulDims } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { type Attributes, axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { ints } from './constant.ts'
import { larger, smaller } from './contents.ts'
import { at } from './kernels.ts'
import { frontAxes, frontAxis, intOf, intsOf, isFloat, numbersOf, operand } from './operands.ts'
import { dimsOf, staticDims } from './sizes.ts'
import { stridesOf, walk } from './strides.ts'

type ReduceRule = {
  /** From which opset on the axes are an input. */
  readonly axesInput: number
  readonly start: number
  readonly each: (sum: number, x: number) => number
  readonly end?: (sum: number, count: number) => number
  readonly contents?: (sum: Dim, x: Dim) => Dim
}

const rules = {
  ReduceSum: { axesInput: 13, start: 0, each: (sum, x) => sum + x, contents: addDims },
  ReduceMean: { axesInput: 18, start: 0, each: (sum, x) => sum + x, end: (sum, count) => sum / count },
  ReduceMax: { axesInput: 18, start: Number.NEGATIVE_INFINITY, each: Math.max, contents: larger },
  ReduceMin: { axesInput: 18, start: Number.POSITIVE_INFINITY, each: Math.min, contents: smaller },
  ReduceProd: { axesInput: 18, start: 1, each: (sum, x) => sum * x, contents: mulDims },
  ReduceL1: { axesInput: 18, start: 0, each: (sum, x) => sum + Math.abs(x) },
  ReduceL2: { axesInput: 18, start: 0, each: (sum, x) => sum + x * x, end: Math.sqrt },
  ReduceLogSum: { axesInput: 18, start: 0, each: (sum, x) => sum + x, end: Math.log },
  ReduceLogSumExp: { axesInput: 18, start: Number.NEGATIVE_INFINITY, each: logOfSum },
  ReduceSumSquare: { axesInput: 18, start: 0, each: (sum, x) => sum + x * x },
} as const satisfies Record<string, ReduceRule>

/** log(eᵃ + eᵇ) */
function logOfSum(a: number, b: number): number {
  const larger = Math.max(a, b)
  return Number.isFinite(larger) ? larger + Math.log1p(Math.exp(Math.min(a, b) - larger)) : larger
}

function define(name: string, rule: ReduceRule): Op {
  return {
    name,
    infer(inputs, attributes) {
      const x = operand(inputs, 0)
      const keep = intOf(attributes, 'keepdims', 1) === 1
      const axes = intsOf(attributes, 'axes')
      if (x.dtype === 'bool') throw new ShapeProblem('does not take bool')
      const from = dimsOf(x)
      if (from === undefined) return [{ dtype: x.dtype, dims: axes === undefined && !keep ? [] : undefined }]
      const dims = left(from, axesOf(attributes, from.length), keep)
      return [{ dtype: x.dtype, dims, value: rule.contents && contentsOf(x, axesOf(attributes, from.length), rule) }]
    },
    run(inputs, attributes, context) {
      const x = at(inputs, 0)
      const axes = axesOf(attributes, x.dims.length)
      const { kept, reduced } = parts(x.dims, axes)
      const result = context.zeros(x.dtype, left(x.dims, axes, intOf(attributes, 'keepdims', 1) === 1))
      const { each, end, start } = rule
      for (let i = 0; i < kept.length; i++) {
        const origin = kept[i] as number
        let sum = start
        for (let j = 0; j < reduced.length; j++) sum = each(sum, x.data[origin + (reduced[j] as number)] as number)
        if (end !== undefined) sum = end(sum, reduced.length)
        result.data[i] = isFloat(x.dtype) ? sum : Math.trunc(sum)
      }
      return [result]
    },
    write({ inputs: [x], attributes: { axes, keepdims } }, opset) {
      const list = axes as readonly number[] | undefined
      if (opset < rule.axesInput || list === undefined)
        return { type: name, inputs: [x], attributes: { axes, keepdims } }
      // an empty list would mean all axes
      const none = list.length === 0 ? { noop_with_empty_axes: 1 } : {}
      return { type: name, inputs: [x, ints(list)], attributes: { keepdims, ...none } }
    },
    read({ inputs: [x, list], attributes }, opset) {
      if (x === undefined) return undefined
      const keepdims = intOf(attributes, 'keepdims', 1)
      const asInput = opset >= rule.axesInput
      let axes = asInput ? numbersOf(list) : intsOf(attributes, 'axes')
      if (asInput && list !== undefined && axes === undefined) return undefined
      if (axes?.length === 0 && attributes.noop_with_empty_axes !== 1) axes = undefined
      else if (axes === undefined && attributes.noop_with_empty_axes === 1) axes = []
      return { inputs: [x], attributes: { axes: axes && frontAxes(axes, x), keepdims } }
    },
  }
}

function axesOf(attributes: Attributes, rank: number): number[] {
  const axes = intsOf(attributes, 'axes')
  return axes === undefined
    ? Array.from({ length: rank }, (_, axis) => axis)
    : axes.map((axis) => frontAxis(axis, rank))
}

function left<T extends Dim>(dims: readonly T[], axes: readonly number[], keep: boolean): (T | 1)[] {
  return keep
    ? dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    : dims.filter((_, axis) => !axes.includes(axis))
}

/** Positions of the first element of each group, and of the others against it. */
function parts(dims: readonly number[], axes: readonly number[]): { kept: Int32Array; reduced: Int32Array } {
  const strides = stridesOf(dims)
  const choose = (list: readonly number[], inside: boolean): number[] =>
    list.filter((_, axis) => axes.includes(axis) === inside)
  return {
    kept: walk(choose(dims, false), choose(strides, false)),
    reduced: walk(choose(dims, true), choose(strides, true)),
  }
}

function contentsOf(x: Tensor, axes: readonly number[], rule: ReduceRule): Dim[] | undefined {
  const dims = staticDims(dimsOf(x))
  const { value } = x
  if (value === undefined || dims === undefined || sizeOf(dims) === 0) return undefined
  const { kept, reduced } = parts(dims, axes)
  return Array.from(kept, (origin) =>
    Array.from(reduced, (offset) => value[origin + offset] as Dim).reduce(rule.contents as (a: Dim, b: Dim) => Dim),
  )
}

/** Ops that take axes together. */
export const reduceOps: ReadonlyMap<string, Op> = new Map(
  Object.entries<ReduceRule>(rules).map(([name, rule]) => [name, define(name, rule)]),
)

/** One axis or several, each by number (negative: from the end) or by name. */
type Axes = number | string | readonly (number | string)[]
/** Reduced axes are kept with size 1 if `keepDims`; by default they are removed. */
export type Reduce = (x: Tensor, axes: Axes, options?: { readonly keepDims?: boolean }) => Tensor

function builder(name: keyof typeof rules): Reduce {
  const op = reduceOps.get(name) as Op
  return (x, axes, { keepDims = false } = {}) => {
    const list = typeof axes === 'number' || typeof axes === 'string' ? [axes] : axes
    return applyOne(op, [x], { axes: list.map((axis) => axisOf(x, axis)), keepdims: keepDims ? 1 : 0 })
  }
}

export const sum: Reduce = builder('ReduceSum')
export const mean: Reduce = builder('ReduceMean')
export const max: Reduce = builder('ReduceMax')
export const min: Reduce = builder('ReduceMin')
export const prod: Reduce = builder('ReduceProd')
/** Sum of absolute values. */
export const norm1: Reduce = builder('ReduceL1')
/** Root of the sum of squares. */
export const norm2: Reduce = builder('ReduceL2')
export const sumSquare: Reduce = builder('ReduceSumSquare')

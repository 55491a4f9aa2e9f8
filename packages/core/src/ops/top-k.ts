import { apply } from '../expression/apply.ts'
import { type Dim, unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { ints, type Operand } from './constant.ts'
import { at } from './kernels.ts'
import { frontAxis, intOf, mustBe, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { unsqueeze } from './squeeze.ts'
import { around } from './strides.ts'
import { neg } from './unary.ts'

/** The k largest (or smallest) elements of an axis, best first, and their indices; ties go to the lower index. */
export const TopK: Op = {
  name: 'TopK',
  since: 10,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const k = operand(inputs, 1)
    mustBe('int64', k)
    const dims = dimsOf(x)
    if (dims === undefined) {
      return [
        { dtype: x.dtype, dims: undefined },
        { dtype: 'int64', dims: undefined },
      ]
    }
    const axis = frontAxis(intOf(attributes, 'axis', -1), dims.length)
    const count: Dim = k.value?.[0] ?? unknownDim()
    const size = dims[axis] as Dim
    if (typeof count === 'number' && typeof size === 'number' && count > size) {
      throw new ShapeProblem(`k is ${count}, the axis has ${size}`)
    }
    const result = dims.with(axis, count)
    return [
      { dtype: x.dtype, dims: result },
      { dtype: 'int64', dims: result },
    ]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const k = at(inputs, 1).data[0] as number
    const axis = frontAxis(intOf(attributes, 'axis', -1), x.dims.length)
    const { outer, size, inner } = around(x.dims, axis)
    if (k > size) throw new ShapeProblem(`k is ${k}, the axis has ${size}`)
    const sign = intOf(attributes, 'largest', 1) === 1 ? -1 : 1
    const values = context.zeros(x.dtype, x.dims.with(axis, k))
    const indices = context.zeros('int64', x.dims.with(axis, k))
    const line = new Float64Array(size)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        for (let j = 0; j < size; j++) line[j] = sign * (x.data[(o * size + j) * inner + i] as number)
        const order = Array.from(line, (_, j) => j).sort(
          (a, b) => compare(line[a] as number, line[b] as number) || a - b,
        )
        for (let j = 0; j < k; j++) {
          const from = order[j] as number
          const to = (o * k + j) * inner + i
          values.data[to] = x.data[(o * size + from) * inner + i] as number
          indices.data[to] = from
        }
      }
    }
    return [values, indices]
  },
  write: ({ inputs, attributes: { axis, largest, sorted } }, opset) => ({
    type: 'TopK',
    inputs,
    attributes: opset < 11 ? { axis } : { axis, largest, sorted },
  }),
  expand({ inputs: [x, k], attributes }, opset) {
    if (opset >= 11 || intOf(attributes, 'largest', 1) === 1 || x === undefined) return undefined
    const [values, indices] = apply(TopK, [neg(x), k], { ...attributes, largest: 1 }) as [Tensor, Tensor]
    return [neg(values), indices]
  },
  read({ inputs: [x, k], attributes }, opset) {
    if (x === undefined) return undefined
    const count = opset < 10 ? ints([intOf(attributes, 'k', 1)]) : k
    const axis = intOf(attributes, 'axis', -1)
    return {
      inputs: [x, count],
      attributes: {
        axis: x.hasShape ? frontAxis(axis, x.rank) : axis,
        largest: intOf(attributes, 'largest', 1),
        sorted: intOf(attributes, 'sorted', 1),
      },
    }
  },
}

// NaN comes first when the largest are wanted, as in numpy's and onnxruntime's order
function compare(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return 0
  return Number(Number.isNaN(b)) - Number(Number.isNaN(a))
}

export interface TopKOptions {
  /** Default: the last. */
  readonly axis?: number | string
  /** Default true. */
  readonly largest?: boolean
  /** Default true: best first. */
  readonly sorted?: boolean
}

/** The `k` best elements of an axis (a number, or int64 computed in the graph) and where they are. */
export function topK(
  x: Tensor,
  k: Operand,
  { axis = -1, largest = true, sorted = true }: TopKOptions = {},
): { values: Tensor; indices: Tensor } {
  const count = typeof k === 'number' ? ints([k]) : k.rank === 0 ? unsqueeze(k, 0) : k
  const attributes = { axis: axisOf(x, axis), largest: largest ? 1 : 0, sorted: sorted ? 1 : 0 }
  const [values, indices] = apply(TopK, [x, count], attributes) as [Tensor, Tensor]
  return { values, indices }
}

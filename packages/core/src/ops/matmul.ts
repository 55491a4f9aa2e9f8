import { sizeOf } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { KernelContext, Op, Value } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { at, reshaped } from './kernels.ts'
import { operand, sameType } from './operands.ts'
import { broadcastDims, dimsOf, sameDim } from './sizes.ts'
import { broadcastSizes, broadcastWalk } from './strides.ts'

/** Matrix product over the last two axes, [..., m, k] · [..., k, n]; the others broadcast, as in numpy. */
export const MatMul: Op = {
  name: 'MatMul',
  infer(inputs) {
    const a = operand(inputs, 0)
    const b = operand(inputs, 1)
    return [{ dtype: sameType(a, b), dims: productDims(dimsOf(a), dimsOf(b)) }]
  },
  run: (inputs, _, context) => [multiply(at(inputs, 0), at(inputs, 1), context)],
}

/** Shape of a matrix product. */
export function productDims(a: readonly Dim[] | undefined, b: readonly Dim[] | undefined): Dim[] | undefined {
  if (a === undefined || b === undefined) return undefined
  if (a.length === 0 || b.length === 0) throw new ShapeProblem('does not take scalars')
  const left = a.length === 1 ? [1, ...a] : a
  const right = b.length === 1 ? [...b, 1] : b
  sameDim(left.at(-1) as Dim, right.at(-2) as Dim)
  const dims = broadcastDims(left.slice(0, -2), right.slice(0, -2))
  if (a.length > 1) dims.push(left.at(-2) as Dim)
  if (b.length > 1) dims.push(right.at(-1) as Dim)
  return dims
}

/** The product itself; sums run in double precision. */
export function multiply(a: Value, b: Value, context: KernelContext): Value {
  const left = a.dims.length === 1 ? reshaped(a, [1, ...a.dims]) : a
  const right = b.dims.length === 1 ? reshaped(b, [...b.dims, 1]) : b
  const m = left.dims.at(-2) as number
  const k = left.dims.at(-1) as number
  const n = right.dims.at(-1) as number
  const batch = broadcastSizes(left.dims.slice(0, -2), right.dims.slice(0, -2))
  const result = context.zeros(a.dtype, [
    ...batch,
    ...(a.dims.length > 1 ? [m] : []),
    ...(b.dims.length > 1 ? [n] : []),
  ])
  const starts = broadcastWalk(left.dims.slice(0, -2), batch)
  const otherStarts = broadcastWalk(right.dims.slice(0, -2), batch)
  const row = new Float64Array(n)
  for (let i = 0; i < sizeOf(batch); i++) {
    const from = (starts[i] as number) * m * k
    const other = (otherStarts[i] as number) * k * n
    for (let r = 0; r < m; r++) {
      addRow(row.fill(0), left.data, from + r * k, right.data, other, k, n)
      result.data.set(row, (i * m + r) * n)
    }
  }
  return result
}

type Floats = Float32Array | Float64Array

/** row += a[from … from + k] · b[other …] of k rows of n; four rows at a time, so that `row` is read and written less. */
function addRow(row: Float64Array, a: Floats, from: number, b: Floats, other: number, k: number, n: number): void {
  let c = 0
  for (; c + 4 <= k; c += 4) {
    const [p, q, r, s] = [a[from + c], a[from + c + 1], a[from + c + 2], a[from + c + 3]] as [
      number,
      number,
      number,
      number,
    ]
    const start = other + c * n
    for (let j = 0; j < n; j++) {
      const at = start + j
      row[j] =
        (row[j] as number) +
        p * (b[at] as number) +
        q * (b[at + n] as number) +
        r * (b[at + 2 * n] as number) +
        s * (b[at + 3 * n] as number)
    }
  }
  for (; c < k; c++) {
    const factor = a[from + c] as number
    const start = other + c * n
    for (let j = 0; j < n; j++) row[j] = (row[j] as number) + factor * (b[start + j] as number)
  }
}

export function matmul(a: Tensor, b: Tensor): Tensor {
  return applyOne(MatMul, [a, b])
}

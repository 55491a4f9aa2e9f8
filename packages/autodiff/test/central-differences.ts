import { constant, evaluate, input, mul, sum, sumSquare, type Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { sizeOf, type TensorLike } from '@tp/core/runtime'
import { expect } from 'vitest'
import { gradients } from '../src/index.ts'

/** Numbers from a seed, spread over −1 … 1 and no two of them close, so that no maximum changes hands within a difference. */
function numbers(size: number, seed: number): Float64Array {
  const order = shuffled(size, seed)
  return Float64Array.from(order, (place) => ((place + 0.5 + 0.2 * Math.sin(place)) / size) * 2 - 1)
}

/** 0, 1, … below `size` in an order from a seed. */
export function shuffled(size: number, seed: number): number[] {
  const order = Array.from({ length: size }, (_, i) => i)
  let state = seed * 2654435761 + 1
  for (let i = size - 1; i > 0; i--) {
    state = (state * 48271) % 2147483647
    const other = Math.abs(state) % (i + 1)
    ;[order[i], order[other]] = [order[other] as number, order[i] as number]
  }
  return order
}

export interface Operation {
  /** Shapes of what it is differentiated by. */
  readonly shapes: readonly (readonly number[])[]
  readonly of: (...inputs: Tensor[]) => Tensor
  /** Where its operands may lie: from −1 … 1 to what it is defined on, away from where it has corners. */
  readonly domain?: (x: number, operand: number) => number
  /** Axes whose sizes the operation itself needs as numbers. */
  readonly fixed?: (operand: number, axis: number) => boolean
}

/** Sum of squares, weighted where the shape is known: every element has a gradient of its own. */
function lossOf(y: Tensor, seed: number): Tensor {
  const axes = y.dims.map((_, axis) => axis)
  const dims = y.dims.filter((dim) => typeof dim === 'number')
  if (dims.length < axes.length) return sumSquare(y, axes)
  return sum(mul(y, constant(numbers(sizeOf(dims), seed), y.dtype, dims)), axes)
}

/**
 * The gradients of an operation are those of central differences, in double precision, at up to 12 places per operand.
 * @param named sizes that have names, as in a file that takes any batch and length
 */
export function checkGradients(
  { shapes, of, domain = (x) => x, fixed = () => false }: Operation,
  seed: number,
  named: readonly number[] = [],
  step = 1e-5,
): void {
  const dims = (shape: readonly number[], operand: number): Dim[] =>
    shape.map((size, axis) => (named.includes(size) && !fixed(operand, axis) ? `size${size}` : size))
  const inputs = shapes.map((shape, i) => input(`x${i}`, 'float64', dims(shape, i)))
  const values = shapes.map((shape, i) => numbers(sizeOf(shape), seed + i).map((x) => domain(x, i)))
  const loss = lossOf(of(...inputs), seed + 17)
  const at = (arrays: readonly Float64Array[]): ReadonlyMap<Tensor, TensorLike> =>
    new Map(
      inputs.map((x, i) => [x, { type: 'float64', dims: shapes[i] as number[], data: arrays[i] as Float64Array }]),
    )
  const lossAt = (arrays: readonly Float64Array[]): number => {
    const [{ data }] = evaluate([loss], at(arrays), { precision: 'float64' }) as [TensorLike]
    return Number(data[0])
  }
  const found = evaluate(gradients(loss, inputs), at(values), { precision: 'float64' })
  for (const [i, array] of values.entries()) {
    expect(found[i]?.dims).toEqual(shapes[i])
    const gradient = found[i]?.data as Float64Array
    for (const j of shuffled(array.length, seed + 31).slice(0, 12)) {
      const moved = (by: number): Float64Array[] =>
        values.map((other, k) => (k === i ? other.with(j, (other[j] as number) + by) : other))
      const expected = (lossAt(moved(step)) - lossAt(moved(-step))) / (2 * step)
      const scale = Math.max(1, Math.abs(expected))
      expect(Math.abs((gradient[j] as number) - expected) / scale, `operand ${i}, element ${j}`).toBeLessThan(1e-6)
    }
  }
}

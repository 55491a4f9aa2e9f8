import type { DType } from '../array.ts'
import { sizeOf } from '../array.ts'
import { TpError } from '../errors.ts'
import type { KernelContext, Op, Value } from '../expression/tensor.ts'
import { broadcastSizes, broadcastWalk } from './strides.ts'

export type KernelInputs = readonly (Value | undefined)[]

/** An input that the shape rule has seen to be there. */
export function at(values: KernelInputs, index: number): Value {
  return values[index] as Value
}

/** Contents as plain numbers (axes, sizes, starts). */
export function numbers(value: Value): number[] {
  return Array.from(value.data)
}

/** The same elements under another shape. */
export function reshaped(value: Value, dims: readonly number[]): Value {
  return { dtype: value.dtype, dims, data: value.data }
}

/** Elements of `source` at `positions`. */
export function picked(source: Value, dims: readonly number[], positions: Int32Array, context: KernelContext): Value {
  const result = context.zeros(source.dtype, dims)
  for (let i = 0; i < positions.length; i++) result.data[i] = source.data[positions[i] as number] as number
  return result
}

export function mapped(x: Value, dtype: DType, each: (element: number) => number, context: KernelContext): Value {
  const result = context.zeros(dtype, x.dims)
  for (let i = 0; i < x.data.length; i++) result.data[i] = each(x.data[i] as number)
  return result
}

/** Elementwise with broadcasting. */
export function combined(
  a: Value,
  b: Value,
  dtype: DType,
  each: (left: number, right: number) => number,
  context: KernelContext,
): Value {
  const dims = broadcastSizes(a.dims, b.dims)
  const result = context.zeros(dtype, dims)
  const size = sizeOf(dims)
  const { data } = result
  if (a.data.length === size && b.data.length === size) {
    for (let i = 0; i < size; i++) data[i] = each(a.data[i] as number, b.data[i] as number)
  } else if (b.data.length === 1 && a.data.length === size) {
    const right = b.data[0] as number
    for (let i = 0; i < size; i++) data[i] = each(a.data[i] as number, right)
  } else {
    const left = broadcastWalk(a.dims, dims)
    const right = broadcastWalk(b.dims, dims)
    for (let i = 0; i < size; i++) {
      data[i] = each(a.data[left[i] as number] as number, b.data[right[i] as number] as number)
    }
  }
  return result
}

/** The kernel of an op that the interpreter cannot compute. */
export function noKernel(name: string): Op['run'] {
  return () => {
    throw new TpError('TP_NO_KERNEL', 'core', `the interpreter cannot compute ${name}; run the model with a runtime`)
  }
}

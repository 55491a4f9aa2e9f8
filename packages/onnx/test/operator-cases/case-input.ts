import { constant, type DType, type Tensor } from '@tp/core'
import { type Attributes, applyOne, type Dim, type Op, operators } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'

/** A named axis with the size it has in the data, or a fixed size. */
export type Axis = readonly [name: string, size: number] | number
export type CaseInput = { readonly array: TensorLike; readonly dims: readonly Dim[] }

export interface Case {
  /** Lowest opset in which it can be written. */
  readonly from: number
  readonly inputs: Readonly<Record<string, CaseInput>>
  readonly build: (inputs: Readonly<Record<string, Tensor>>) => Tensor | readonly Tensor[]
}

let seed = 1
export function uniform(): number {
  seed = (seed * 48271) % 2147483647
  return seed / 2147483647
}

export function caseInput(type: DType, axes: readonly Axis[], element: (i: number) => number): CaseInput {
  const sizes = axes.map((axis) => (typeof axis === 'number' ? axis : axis[1]))
  const count = sizes.reduce((a, b) => a * b, 1)
  const numbers = Array.from({ length: count }, (_, i) => element(i))
  const data =
    type === 'float32'
      ? Float32Array.from(numbers)
      : type === 'int64'
        ? BigInt64Array.from(numbers, BigInt)
        : type === 'int32'
          ? Int32Array.from(numbers)
          : type === 'int8'
            ? Int8Array.from(numbers)
            : Uint8Array.from(numbers)
  return { array: { type, dims: sizes, data }, dims: axes.map((axis) => (typeof axis === 'number' ? axis : axis[0])) }
}

export const floats = (...axes: readonly Axis[]): CaseInput => caseInput('float32', axes, () => uniform() * 4 - 2)
export const positive = (...axes: readonly Axis[]): CaseInput => caseInput('float32', axes, () => uniform() * 3 + 0.1)
export const ints = (limit: number, ...axes: readonly Axis[]): CaseInput =>
  caseInput('int64', axes, () => Math.floor(uniform() * limit))
export const bytes = (...axes: readonly Axis[]): CaseInput =>
  caseInput('uint8', axes, () => Math.floor(uniform() * 256))
export const bools = (...axes: readonly Axis[]): CaseInput => caseInput('bool', axes, () => Math.round(uniform()))
export const listed = (type: DType, numbers: readonly number[], ...axes: readonly Axis[]): CaseInput =>
  caseInput(type, axes, (i) => numbers[i] as number)

export const B: Axis = ['B', 2]
export const N: Axis = ['N', 5]

export function unary(build: (x: Tensor) => Tensor | Tensor[], from: number, x: CaseInput = floats(B, N)): Case {
  return { from, inputs: { x }, build: ({ x }) => build(x as Tensor) }
}

export function binary(
  build: (a: Tensor, b: Tensor) => Tensor | Tensor[],
  from: number,
  a: CaseInput,
  b: CaseInput,
): Case {
  return { from, inputs: { a, b }, build: ({ a, b }) => build(a as Tensor, b as Tensor) }
}

export function op(name: string): Op {
  return operators.get(name) as Op
}

export function resized(x: Tensor, attributes: Attributes): Tensor {
  return applyOne(op('Resize'), [x, undefined, undefined, constant([1, 2, 7, 3], 'int64')], attributes)
}

export function raw(type: string, attributes: Attributes, ...inputs: readonly Tensor[]): Tensor {
  return applyOne(op(type), inputs, attributes)
}

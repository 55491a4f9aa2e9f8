import type { DType } from '../array.ts'
import {
  type Attribute,
  type AttributeReference,
  type Attributes,
  ShapeProblem,
  type Tensor,
} from '../expression/tensor.ts'

export type OpInputs = readonly (Tensor | undefined)[]

/** An input that must be there. */
export function operand(inputs: OpInputs, index: number): Tensor {
  const tensor = inputs[index]
  if (tensor === undefined) throw new ShapeProblem(`input ${index} is missing`)
  return tensor
}

export function intOf(attributes: Attributes, name: string, missing: number): number {
  const value = attributes[name]
  return typeof value === 'number' ? value : missing
}

export function intsOf(attributes: Attributes, name: string): readonly number[] | undefined {
  const value = attributes[name]
  return Array.isArray(value) ? (value as readonly number[]) : undefined
}

export function textOf(attributes: Attributes, name: string, missing: string): string {
  const value = attributes[name]
  return typeof value === 'string' ? value : missing
}

export function isReference(value: Attribute | readonly unknown[] | undefined): value is AttributeReference {
  return typeof value === 'object' && 'reference' in value
}

/** Axis counted from the front. */
export function frontAxis(axis: number, rank: number): number {
  const position = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(position) || position < 0 || position >= rank) {
    throw new ShapeProblem(`axis ${axis} does not exist, there are ${rank}`)
  }
  return position
}

/** Axes counted from the front where the rank is known; else as they are. */
export function frontAxes(axes: readonly number[], tensor: Tensor, added = 0): number[] {
  return tensor.hasShape ? axes.map((axis) => frontAxis(axis, tensor.rank + added)) : [...axes]
}

/** Known contents as plain numbers: what a structural input must have. */
export function numbersOf(tensor: Tensor | undefined): readonly number[] | undefined {
  return tensor?.value?.every((element) => typeof element === 'number')
    ? (tensor.value as readonly number[])
    : undefined
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16'
}

export function sameType(...tensors: readonly Tensor[]): DType {
  const [first] = tensors as [Tensor]
  for (const tensor of tensors) {
    if (tensor.dtype !== first.dtype) throw new ShapeProblem(`types ${first.dtype} and ${tensor.dtype} differ`)
  }
  return first.dtype
}

export function mustBe(dtype: DType, tensor: Tensor): void {
  if (tensor.dtype !== dtype) throw new ShapeProblem(`needs ${dtype}, not ${tensor.dtype}`)
}

export function mustBeIndex(tensor: Tensor): void {
  if (tensor.dtype !== 'int64' && tensor.dtype !== 'int32') throw new ShapeProblem(`needs int64, not ${tensor.dtype}`)
}

/** Position of an index into an axis (negative: from the end). */
export function checkedIndex(index: number, size: number): number {
  const position = index < 0 ? index + size : index
  if (!(position >= 0 && position < size)) throw new ShapeProblem(`index ${index} is outside an axis of ${size}`)
  return position
}

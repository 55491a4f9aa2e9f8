import type { DType } from '../array.ts'
import { TpError } from '../errors.ts'
import type { Dim } from './dim.ts'
import type { Op } from './op.ts'
import { mayWork } from './work-limit.ts'

/** Attribute values: ONNX's own, in plain JavaScript. A tensor attribute is a `Constant`'s contents. */
export type Attribute = number | string | readonly number[] | readonly string[] | ConstantData
export type Attributes = Readonly<Record<string, Attribute | undefined>>

/** Contents of a constant. Integers and booleans are exact in a Float64Array up to 2^53. */
export interface ConstantData {
  readonly dtype: DType
  readonly dims: readonly number[]
  readonly data: Float32Array | Float64Array
}

/** One operation of an expression graph; its outputs are `Tensor`s. Pure: the same inputs give the same outputs. */
export interface Node {
  readonly op: Op
  readonly inputs: readonly (Tensor | undefined)[]
  readonly attributes: Attributes
}

/** What a shape rule says of one output. `dims` undefined: not even the number of axes is known. */
export interface OutputInfo {
  readonly dtype: DType
  readonly dims: readonly Dim[] | undefined
  /** Contents in row-major order where they are known integers or sizes: what shape arithmetic is made of. */
  readonly value?: readonly Dim[] | undefined
}

/**
 * One value of a pure expression graph with ONNX semantics: nothing is computed until an interpreter or a runtime
 * does it. Type and shape are checked when the node is built.
 */
export class Tensor {
  readonly dtype: DType
  /** Known contents of a small integer tensor, in row-major order (see {@link OutputInfo}). */
  readonly value: readonly Dim[] | undefined
  readonly node: Node
  /** Which of the node's outputs this is. */
  readonly output: number
  readonly #dims: readonly Dim[] | undefined

  constructor(node: Node, output: number, info: OutputInfo) {
    this.node = node
    this.output = output
    this.dtype = info.dtype
    this.#dims = info.dims
    this.value = info.value
  }

  /** False where the number of axes is unknown (behind an operator that has no shape rule). */
  get hasShape(): boolean {
    return this.#dims !== undefined
  }

  /** @throws TpError TP_UNKNOWN_SHAPE if the number of axes is unknown */
  get dims(): readonly Dim[] {
    if (this.#dims === undefined) {
      throw new TpError('TP_UNKNOWN_SHAPE', 'core', `the shape of this ${this.node.op.name}'s result is not known`)
    }
    return this.#dims
  }

  get rank(): number {
    return this.dims.length
  }

  /** `float32[B,N,D]`, for messages. */
  toString(): string {
    return `${this.dtype}[${this.#dims === undefined ? '?' : this.#dims.join(',')}]`
  }
}

/** Contents are not followed beyond this many elements. */
export const MOST_ELEMENTS = 4096

/** More axes than any runtime or exporter has; a shape may be computed, so that it could name any number of them. */
export const MOST_AXES = 64

/** Builds a node after its op has checked types and shapes; returns its outputs. */
export function apply(op: Op, inputs: readonly (Tensor | undefined)[], attributes: Attributes = {}): Tensor[] {
  const node: Node = { op, inputs, attributes }
  let outputs: readonly OutputInfo[]
  try {
    outputs = op.infer(inputs, attributes)
    for (const { dims = [] } of outputs) {
      if (dims.length > MOST_AXES) throw new ShapeProblem(`its result would have ${dims.length} axes`)
      const odd = dims.find((dim) => typeof dim === 'number' && !(Number.isSafeInteger(dim) && dim >= 0))
      if (odd !== undefined) throw new ShapeProblem(`its result would have the size ${odd}`)
    }
  } catch (cause) {
    if (!(cause instanceof ShapeProblem)) throw cause
    const shapes = inputs.map((input) => input?.toString() ?? 'none').join(', ')
    throw new TpError('TP_SHAPE', 'core', `${op.name}(${shapes}): ${cause.message}`)
  }
  return outputs.map((info, output) => new Tensor(node, output, isFollowed(op, info) ? info : withoutContents(info)))
}

/** Whether known contents are few enough to be kept. Those of a constant are the file's own, and are not counted. */
function isFollowed({ name }: Op, { value }: OutputInfo): boolean {
  if (value === undefined || name === 'Constant') return true
  return value.length <= MOST_ELEMENTS && mayWork(value.length)
}

function withoutContents({ dtype, dims }: OutputInfo): OutputInfo {
  return { dtype, dims }
}

/** Like {@link apply} for an op with one output. */
export function applyOne(op: Op, inputs: readonly (Tensor | undefined)[], attributes: Attributes = {}): Tensor {
  return apply(op, inputs, attributes)[0] as Tensor
}

/** Thrown by shape rules with the bare reason; `apply` adds op and shapes. */
export class ShapeProblem extends Error {}

/** The position of an axis given by number (negative from the end) or by the name of its size. */
export function axisOf(tensor: Tensor, axis: number | string): number {
  const { dims } = tensor
  if (typeof axis === 'number') {
    const position = axis < 0 ? axis + dims.length : axis
    if (Number.isInteger(position) && position >= 0 && position < dims.length) return position
    throw new TpError('TP_AXIS', 'core', `axis ${axis} is outside ${tensor}`)
  }
  const position = dims.indexOf(axis)
  if (position < 0) throw new TpError('TP_AXIS', 'core', `${tensor} has no axis named ${axis}`)
  if (dims.indexOf(axis, position + 1) >= 0) {
    throw new TpError('TP_AXIS', 'core', `${tensor} has two axes named ${axis}; give its number`)
  }
  return position
}

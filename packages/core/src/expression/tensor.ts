import type { DType } from '../array.ts'
import { TpError } from '../errors.ts'
import type { Dim } from './dim.ts'

/** Attribute values: ONNX's own, in plain JavaScript. A tensor attribute is a `Constant`'s contents. */
export type Attribute = number | string | readonly number[] | readonly string[] | ConstantData | AttributeReference
export type Attributes = Readonly<Record<string, Attribute | undefined>>

/** In the body of a function: what the node that calls it gives as the attribute of this name. */
export interface AttributeReference {
  readonly reference: string
  readonly type: 'int' | 'ints' | 'float'
}

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

/** The result of a shape rule for one output. `dims` undefined: not even the number of axes is known. */
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

  /** False where the number of axes is unknown (after an operator without a shape rule). */
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

/** A concrete array inside the interpreter: every element type is held as floating point, integers exact to 2^53. */
export interface Value {
  readonly dtype: DType
  readonly dims: readonly number[]
  readonly data: Float32Array | Float64Array
}

/** How the interpreter holds floats: float64 as oracle, float32 as what a runtime does. */
export interface KernelContext {
  /** New zeroed array; integers and booleans always get float64. */
  zeros(dtype: DType, dims: readonly number[]): Value & { readonly data: Float32Array | Float64Array }
  /** Computes expressions from the values of all that they read: the body of a loop. */
  compute(outputs: readonly Tensor[], feeds: ReadonlyMap<Tensor, Value>): readonly Value[]
}

/** A node in the form that a given ONNX opset has: some ops move attributes to inputs between opsets. */
export interface OnnxForm {
  readonly type: string
  readonly domain?: string
  readonly inputs: readonly (Tensor | undefined)[]
  readonly attributes: Attributes
}

/** A node as read from a file, before its form is made canonical. */
export interface RawNode {
  readonly type: string
  readonly inputs: readonly (Tensor | undefined)[]
  readonly attributes: Attributes
  readonly outputs: number
}

/**
 * Everything the toolkit knows about one operator, in one file: shape rule, kernel, and how it is written in and read
 * from the opsets 7 to 26. The canonical form keeps axes, permutations and the like as attributes.
 */
export interface Op {
  readonly name: string
  /** First opset that has the op (default 7, the oldest that is handled); below it only `expand` can help. */
  readonly since?: number
  /** Type, shape and (for shape arithmetic) contents of each output. Throws ShapeProblem with the bare reason. */
  infer(inputs: readonly (Tensor | undefined)[], attributes: Attributes): readonly OutputInfo[]
  /** Computes the outputs. */
  run(inputs: readonly (Value | undefined)[], attributes: Attributes, context: KernelContext): readonly Value[]
  /** This node in the form that `opset` has; default: same inputs and attributes. */
  write?(node: Node, opset: number): OnnxForm
  /** The same computation in other ops, where `opset` lacks this one; undefined where it does not. */
  expand?(node: Node, opset: number): readonly Tensor[] | undefined
  /** Canonical inputs and attributes of a node that was read; undefined if this form is not understood. */
  read?(raw: RawNode, opset: number): { inputs: readonly (Tensor | undefined)[]; attributes: Attributes } | undefined
}

/** Thrown by shape rules with the bare reason; `apply` adds op and shapes. */
export class ShapeProblem extends Error {}

/** The position of an axis given by number (negative from the end) or by the name of its size. Where the number of axes is not known, a number stays as it is. */
export function axisOf(tensor: Tensor, axis: number | string): number {
  if (typeof axis === 'number' && !tensor.hasShape) return axis
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

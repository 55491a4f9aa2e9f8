import type { DType } from '../array.ts'
import type { Attributes, Node, OutputInfo, Tensor } from './tensor.ts'

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
  compute(outputs: readonly Tensor[], given: ReadonlyMap<Tensor, Value>): readonly Value[]
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

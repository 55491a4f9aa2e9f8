import type { DType, Tensor } from '@tp/core'
import type { Attributes } from '@tp/core/expression'

/** A node whose operator does the work of many: what its meaning in plain operators depends on. */
export interface FusedNode {
  /** Placeholders for the values it reads, in the operator's order; undefined where one is omitted. */
  readonly inputs: readonly (Tensor | undefined)[]
  /** The names of these values in the graph; empty where one is omitted. */
  readonly names: readonly string[]
  readonly attributes: Attributes
  /** True if something reads output `index`. */
  isUsed(index: number): boolean
  /** True if input 0 is computed from input 1, and not the other way round. */
  readonly firstBuildsOnSecond: boolean
  /**
   * A value that several nodes compute from the same inputs, written into the graph once for all of them. `restored`
   * returns what the operator reads instead, from what the value has become.
   */
  shared(key: string, value: Tensor, restored: Restored): Tensor
}

/**
 * Inputs of the operator by index, from the present form of a shared value; undefined omits one. No inputs at all:
 * there are none that would make the operator compute this.
 */
export type Restored = (now: Tensor) => Readonly<Record<number, Tensor | undefined>> | undefined

/** The computation of the operator, in plain operators; undefined if this form cannot be written in them. */
export type Meaning = (node: FusedNode) => Meant | undefined

export interface Meant {
  readonly outputs: readonly (Tensor | undefined)[]
  /** Inner values that the operator offers as an output. */
  readonly exposed?: readonly Exposed[]
  /** Inner values that are made of one input row by row: computing some of its rows takes only the same rows of the input. */
  readonly rowwise?: readonly Rowwise[]
  readonly scores?: Scores
  readonly fitted?: FittedInput
}

/** The input of the softmax, [b,h,q,k]: the operator can add something to it that it reads as an input. */
export interface Scores {
  readonly value: Tensor
  /** Index of that input, which may be omitted. A bool one chooses. */
  readonly input: number
}

/** An input that needs another form than the plain operators give it, made from the inputs as they are. */
export type FittedInput = (
  inputs: readonly (Tensor | undefined)[],
) => { readonly index: number; readonly value: Tensor; readonly key: string } | undefined

export interface Exposed {
  readonly value: Tensor
  /** The optional output that holds it, and the number of outputs that have to be requested then. */
  readonly output: number
  readonly outputs: number
  /** Place along a first axis of the output that the value does not have. */
  readonly part?: number
}

export interface Rowwise {
  /** [b,h,n,d] */
  readonly value: Tensor
  /** Index of the input, [b,n,D]. */
  readonly input: number
}

/** The lowest number of a type: infinity would turn queries that see no key into NaN. */
export function lowestOf(dtype: DType): number {
  return dtype === 'float16' ? -65504 : -3.4028234663852886e38
}

/** A number among the attributes. */
export function numberOf(attributes: Attributes, name: string, otherwise: number): number {
  const value = attributes[name]
  return typeof value === 'number' ? value : otherwise
}

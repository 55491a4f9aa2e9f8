import type { Tensor } from '@tp/core'
import type { Attributes, Dim } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import type { Named, Program } from '../program/program.ts'
import type { Meaning } from './fused/fused-operator.ts'

/**
 * All that the compiler knows of one operator, in one entry of the table (`table.ts`). An absent field is unknown, and treated
 * as an operator that tokens cannot pass.
 */
export interface Operator {
  /** Its role for analyses that do not need to know how it works. */
  readonly traits: Traits
  /** `pointwise`: on each element of the first operand alone; `broadcasting`: element by element on several. */
  readonly elementwise?: 'pointwise' | 'broadcasting'
  /** How the token axis passes through. Absent: every row of the result may depend on all rows of each input. */
  readonly rows?: RowRule
  /** Makes a node fit inputs whose token axis has changed. Absent: tokens cannot be followed through it. */
  readonly repair?: Repair
  /** Which operands have some axes of the result. */
  readonly upstream?: UpstreamRule
  /** Makes one operand follow along some of its axes, where that changes the node itself. */
  readonly take?: (flow: Flow, node: NodeProto, index: number, axes: readonly number[]) => void
  /** Whether it treats each token as it treats all others, so that it can work on packed tokens. */
  readonly packs?: PackRule
  /** Which operands have to be 0 for the result to be 0: the first, any one, or all. Absent: 0 may become something else. */
  readonly zeroFrom?: 'first' | 'any' | 'all'
  /** The operand by which the result may be infinite or NaN where it is 0. */
  readonly singular?: number
  /**
   * Which operands have to hold 0 and 1 alone for the result to: the first, all, or those at some indices. An operator that
   * returns values of its first input needs none.
   */
  readonly zeroOrOneFrom?: 'first' | 'all' | readonly number[]
  /**
   * Proves that no integer of the result is negative, where `operand` tells that of the inputs. An operator that returns values
   * of its first input needs none, nor one that `reduces`.
   */
  readonly neverNegative?: (node: NodeProto, operand: (index: number) => boolean) => boolean
  /** The least number that a node can return, whatever it is given; undefined where that hangs on an attribute. */
  readonly least?: (node: NodeProto) => number | undefined
  /** How it brings together what it reduces, if as a mean, a sum or the largest. */
  readonly reduces?: 'mean' | 'sum' | 'max'
  /** Multiply-adds of one node, from its result. */
  readonly multiplyAdds?: (output: Tensor) => Dim
  /** The computation of a fused operator, in plain ones. */
  readonly meaning?: Meaning
  /** For an operator that is a whole attention: whether this node also reads or writes keys of earlier tokens. */
  readonly readsEarlierKeys?: (node: NodeProto) => boolean
  /** Of such an operator: the inputs that keys and values of earlier tokens come in, and the outputs that all of them leave by. */
  readonly caches?: readonly (readonly [input: number, output: number])[]
}

/** At least one for each operator, so that none is forgotten where a trait is read. */
export type Traits = readonly [Trait, ...Trait[]]

export type Trait =
  /** Normalizes vectors: a whole norm. Written out, a norm is made of `arithmetic` around an `average`. */
  | 'norm'
  | 'average'
  | 'arithmetic'
  /** Makes more of two products than one product is. */
  | 'activation'
  /** Other functions of each element. */
  | 'function'
  /** Adds its operands. */
  | 'sum'
  /** Multiplies its first operand, or divides it, element by element. */
  | 'factor'
  /** Linear in what it adds, multiplies, divides or chooses: what is hidden by minus infinity there is hidden by the result. */
  | 'linear'
  /** Yes or no. */
  | 'logic'
  /** Takes each element from one of two operands. */
  | 'choice'
  /** Multiplies tokens with weights, as the products of a feed-forward network do; or matrices with each other. */
  | 'product'
  | 'convolution'
  /** Mixes or resizes neighbors on a grid of positions. */
  | 'grid'
  /** Goes through a sequence step by step. */
  | 'recurrent'
  | 'softmax'
  /** Reduces axes. */
  | 'reduction'
  /** Returns the values of its first input as they are, but for their type. */
  | 'same values'
  /** As `same values`, but rounds them: a step of a quantized graph between two operators. */
  | 'rounded values'
  /** As `rounded values`, by the range of all of them, which it returns as well. */
  | 'rounded by range'
  /** Rounds by the range of all of a tensor, a whole batch with its padding, whatever else it does. */
  | 'range of all'
  /** Returns all values of its first input once, laid out differently. */
  | 'moved values'
  /** As `moved values`, in the same order: axes are joined or split. */
  | 'joined axes'
  /** As `moved values`, in the same order: axes of size 1 come or go. */
  | 'unit axes'
  /** Returns all values of its first input, some more than once. */
  | 'repeated values'
  /** As `repeated values`, as broadcasting does. */
  | 'broadcast values'
  /** Returns some of the values of its first input. */
  | 'parts'
  /** Joins values of its inputs. */
  | 'joined values'
  /** Returns shapes, positions, constants: not what its inputs hold. */
  | 'shape'
  /** Gives elements a meaning by their positions. */
  | 'positional'
  /** Found in graphs whose products are quantized. */
  | 'quantized'
  /** Works on rounded numbers: an optimizer has made it of what stood between rounding and back. */
  | 'on rounded values'
  | 'fourier'
  /** Runs graphs of its own. */
  | 'control flow'
  /** Does the work of several operators. */
  | 'fused'
  | 'other'

/** Operators by name; those of other domains than ONNX's own with the domain in front. */
export type Operators = ReadonlyMap<string, Operator>

/** Entries of a family of operators, by name. */
export type OperatorEntries = Readonly<Record<string, Operator>>

/** The name of a node's operator in the table: of other domains than ONNX's own with the domain in front. */
export function operatorName(node: { readonly domain: string; readonly opType: string }): string {
  return node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`
}

/** True if the operator of a name has one of some traits in a table; one that is not there has none. */
export function hasTraitIn(operators: Operators, name: string, ...traits: readonly Trait[]): boolean {
  return operators.get(name)?.traits.some((trait) => traits.includes(trait)) === true
}

/** Which axis of an input holds the same rows as an axis of the result; `all`: every row of the input counts. */
export type RowAxis = number | 'all' | undefined

/** The facts about a node: inputs, its first result, and its attributes in core's canonical form. */
export interface NodeView {
  readonly node: NodeProto
  readonly inputs: readonly (Tensor | undefined)[]
  readonly output: Tensor
  readonly attributes: Attributes
  /** True if the size counts tokens. */
  readonly isTokens: (dim: Dim) => boolean
}

/**
 * For each input, the axis whose rows alone decide the rows of axis `axis` of the result; undefined if the input has
 * no such axis (it is the same for every row).
 */
export type RowRule = (view: NodeView, axis: number) => RowAxis[]

/** Types and shapes of a node's inputs. */
export type Inputs = (Tensor | undefined)[]

/** Makes a node fit inputs whose token axis has changed; returns the types and shapes of its inputs afterwards. */
export type Repair = (flow: Flow, node: NodeProto) => Inputs

/** An operand, and some of its axes. */
interface OperandAxes {
  readonly index: number
  readonly axes: readonly number[]
}

/** The operands that have the given axes of the result, and where; undefined if that is not known. */
export type UpstreamRule = (view: UpstreamView, axes: readonly number[]) => OperandAxes[] | undefined

interface UpstreamView {
  readonly program: Program
  readonly node: NodeProto
  readonly inputs: Inputs
  readonly output: Tensor
}

/** True if tokens along an axis of the first input are treated alike, each by itself. */
export type PackRule = (view: PackView) => boolean

export interface PackView {
  readonly node: NodeProto
  readonly input: Tensor
  /** Operands after the first. */
  readonly others: readonly Tensor[]
  readonly output: Tensor
  /** Axes of the first input that count tokens and examples. */
  readonly tokens: number
  readonly batch: number
}

/**
 * Follows the values downstream of a change of the token axis. The axis gets a size with a name of its own, so
 * wherever that name turns up in an inferred shape is a token axis: no size is ever matched by its number.
 */
export interface Flow {
  readonly program: Program
  /** The facts about each operator. */
  readonly operators: Operators
  /** Name of the new token count. */
  readonly count: string
  /** False while the graph is only looked at. */
  readonly edits: boolean
  /** The token count before. */
  readonly before: Dim
  /** The batch size of the stream. */
  readonly batch: Dim
  /** New type and shape of the values that changed. */
  readonly changed: Map<string, Tensor>
  /**
   * Makes a value that does not come from the cut follow it along some of its axes. `rank`: of the reader's result;
   * `skipped`: leading tokens that the value has no rows for (a rope table of the patches alone).
   */
  take(name: string, axes: readonly number[], rank: number, reader: NodeProto, skipped?: number): Named
  /** Makes input `index` of a node read another value. */
  rewire(node: NodeProto, index: number, name: string): void
  /** Notes that a reader needs the first `tokens` tokens at their positions; `single`: it takes one of them out. */
  reads(tokens: number, reader: NodeProto, single: boolean): void
  /** Notes that a reader takes out one token of each example, at a position that is not among the leading ones. */
  readsAt(position: TokenPosition, reader: NodeProto): void
  /** A shape as a value of the graph; `data` is what `{ axis }` entries take their sizes from; `now`:
   * it and the shape as they are by now. */
  shape(entries: readonly ShapeEntry[], data: string, reader: NodeProto, now?: readonly (Tensor | undefined)[]): Named
  /**
   * How many tokens the model began with, plus `more`, int64 [] or [1]: positions are made from it, since tokens keep theirs
   * for ever. Undefined while nothing is edited.
   */
  wholeCount(rank: 0 | 1, reader: NodeProto, more?: number): Named | undefined
  /** A shape in which the token count is the one that the model began with; undefined if another size is not known. */
  wholeShape(dims: readonly Dim[], reader: NodeProto): Named | undefined
  /** Makes zeros in a Reshape's shape mean "as it was": exporters that never use them switch that off. */
  letZerosCopy(reshape: NodeProto): void
}

/**
 * One entry of a rewritten shape: a number (0 copies, -1 infers), or the size of an axis of the reshaped value, without
 * the `less` first of its entries; or what the shape has there at present; or the batch size of the stream.
 */
export type ShapeEntry =
  | number
  | { readonly axis: number; readonly less?: number }
  | { readonly copied: number }
  | { readonly ofStream: 'batch' }

/**
 * The position of a token that the model reads and that is not among the leading ones: counted from the end (1: the last
 * one), or given by integers of the graph, one for each example.
 */
export type TokenPosition = { readonly fromEnd: number } | { readonly index: string }

import { axisSize, fill, reshape, sum, type Tensor } from '@tp/core'
import type { Attributes, Dim } from '@tp/core/expression'

/** A node in the backward pass: its inputs and outputs, and the gradients of the loss with respect to its outputs. */
export interface Step {
  readonly inputs: readonly (Tensor | undefined)[]
  readonly attributes: Attributes
  /** An input that the operator must have. */
  input(index: number): Tensor
  /** An output, as it was computed. */
  output(index: number): Tensor
  /** Gradient of an output; undefined where the loss does not depend on it. */
  gradient(index: number): Tensor | undefined
  /** Whether the gradient of an input is required. */
  wants(index: number): boolean
}

/** Gradients of a node's inputs, in their order; undefined for one that is not required, or does not exist. */
export type GradientRule = (step: Step) => readonly (Tensor | undefined)[]

/** A rule of an operator with one output. */
export function rule(of: (gradient: Tensor, step: Step) => readonly (Tensor | undefined)[]): GradientRule {
  return (step) => of(step.gradient(0) as Tensor, step)
}

/** A rule of an operator of one input and one output. */
export function unary(of: (gradient: Tensor, x: Tensor, y: Tensor) => Tensor): GradientRule {
  return (step) => [of(step.gradient(0) as Tensor, step.input(0), step.output(0))]
}

/** Thrown by a rule with the bare reason; `gradients` adds the node. */
export class NoGradient extends Error {}

/** The gradient of a broadcast tensor: the sum over the broadcast axes. */
export function sumTo(gradient: Tensor, x: Tensor): Tensor {
  const extra = gradient.rank - x.rank
  const widened = x.dims.flatMap((dim, axis) => (dim === 1 && gradient.dims[axis + extra] !== 1 ? [axis + extra] : []))
  const narrowed = widened.length === 0 ? gradient : sum(gradient, widened, { keepDims: true })
  return extra === 0 ? narrowed : sum(narrowed, range(extra))
}

/** The sizes of a tensor, to reshape another one to: numbers where they are known. */
export function sizesOf(x: Tensor): (number | Tensor)[] {
  return x.dims.map((dim, axis) => (typeof dim === 'number' ? dim : axisSize(x, axis)))
}

/** In the shape of another tensor with the same number of elements. */
export function reshapeLike(gradient: Tensor, x: Tensor): Tensor {
  return sameShape(gradient, x) ? gradient : reshape(gradient, sizesOf(x))
}

export function zerosLike(x: Tensor): Tensor {
  return fill(0, x.dtype, x.dims, x)
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

function sameShape(a: Tensor, b: Tensor): boolean {
  return a.rank === b.rank && a.dims.every((dim: Dim, axis) => dim === b.dims[axis])
}

import { constant, type Tensor } from '@tp/core'
import { applyOne, type Op, operators } from '@tp/core/expression'
import fc from 'fast-check'
import type { Operation } from '../central-differences.ts'

/** An operator with the shapes, axes, indices and so on that it is tried on. */
export interface Drawn {
  /** As in the rules. */
  readonly name: string
  /** The peculiarity of this form of the operator. */
  readonly form?: string
  readonly operation: fc.Arbitrary<Operation>
}

export type Domain = NonNullable<Operation['domain']>

export const positive: Domain = (x) => 0.3 + Math.abs(x)
/** Odd multiples of 0.01: no corner of a function lies nearer. Not for what compares elements of one tensor. */
export const offGrid: Domain = (x) => Math.round(x * 50) / 50 + 0.01
/** The same, and what is in one operand is in no other. */
export const apart: Domain = (x, operand) => Math.round(x * 50) / 50 + 0.01 * operand
/** Not near 0. */
export const notZero: Domain = (x) => x + (x < 0 ? -0.2 : 0.2)

export const ints = (dims: readonly number[], data: readonly number[]): Tensor => constant(data, 'int64', dims)

export const op = (
  name: string,
  inputs: readonly (Tensor | undefined)[],
  attributes: Parameters<typeof applyOne>[2] = {},
): Tensor => applyOne(operators.get(name) as Op, inputs, attributes)

const size = (): fc.Arbitrary<number> => fc.integer({ min: 1, max: 4 })

export function shape(min = 1, max = 4): fc.Arbitrary<number[]> {
  return fc.array(size(), { minLength: min, maxLength: max })
}

/** Whole numbers below `below`, in a shape. */
export function indices(dims: readonly number[], below: number, min = 0): fc.Arbitrary<Tensor> {
  const count = dims.reduce((a, b) => a * b, 1)
  return fc
    .array(fc.integer({ min, max: below - 1 }), { minLength: count, maxLength: count })
    .map((data) => ints(dims, data))
}

/** Axes of a rank, by their number from the front or from the end. */
export function axis(rank: number): fc.Arbitrary<number> {
  return fc.integer({ min: -rank, max: rank - 1 })
}

export function axes(rank: number): fc.Arbitrary<number[]> {
  return fc.subarray(
    Array.from({ length: rank }, (_, i) => i),
    { minLength: 1 },
  )
}

/** Shapes that broadcast to one: each lacks some of its first axes, and has others of size 1. */
export function broadcasting(count: number, whole: fc.Arbitrary<number[]> = shape()): fc.Arbitrary<number[][]> {
  return whole.chain((dims) => {
    const operand = fc
      .tuple(fc.nat(dims.length), fc.array(fc.boolean(), { minLength: dims.length, maxLength: dims.length }))
      .map(([lacks, narrow]) => dims.map((dim, i) => (narrow[i] ? 1 : dim)).slice(lacks))
    return fc.array(operand, { minLength: count, maxLength: count })
  })
}

const named = (name: string, form: string | undefined, operation: fc.Arbitrary<Operation>): Drawn => ({
  name,
  operation,
  ...(form === undefined ? {} : { form }),
})

/** Of one operand of any shape. */
export function unary(name: string, of: (x: Tensor) => Tensor, domain?: Domain, form?: string): Drawn {
  const operation = shape(0).map((dims) => ({ shapes: [dims], of, ...(domain && { domain }) }))
  return named(name, form, operation)
}

/** Of two operands that broadcast. */
export function binary(name: string, of: (a: Tensor, b: Tensor) => Tensor, domain?: Domain): Drawn {
  return named(
    name,
    undefined,
    broadcasting(2).map((shapes) => ({ shapes, of, ...(domain && { domain }) })),
  )
}

/** Of one operand, done in a way that depends on its shape. */
export function shaped(
  name: string,
  way: (dims: readonly number[]) => fc.Arbitrary<(x: Tensor) => Tensor>,
  {
    domain,
    form,
    of = shape(),
    fixed,
  }: {
    readonly domain?: Domain
    readonly form?: string
    readonly of?: fc.Arbitrary<number[]>
    readonly fixed?: Operation['fixed']
  } = {},
): Drawn {
  const operation = of.chain((dims) =>
    way(dims).map((of) => ({ shapes: [dims], of, ...(domain && { domain }), ...(fixed && { fixed }) })),
  )
  return named(name, form, operation)
}

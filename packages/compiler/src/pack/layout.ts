import type { Tensor } from '@tp/core'
import { type Dim, divideExactly, mulDims, namesIn } from '@tp/core/expression'
import type { Segment } from './segments.ts'

/**
 * Where the examples and tokens of a padded value are: [b·folded,…,n,…], tokens first in [n,…,b·folded,…], or both in one axis of [b·n,…].
 * `rows` and `axis` are equal in the last case; further axes may come before both ([3,b,…,n,…]). Packed, these become [folded,…,t,…],
 * [t,…,folded,…] and [t,…]: all else is laid out as before, so that the same operators work on it.
 */
export interface Layout {
  readonly rows: number
  readonly axis: number
  readonly folded: number
}

/** Examples and tokens are in one axis, whose order the sizes do not tell. */
export function hasOneAxis({ rows, axis }: Layout): boolean {
  return rows === axis
}

export function isTokensFirst({ rows, axis }: Layout): boolean {
  return axis < rows
}

/** Undefined for a value that does not have one row for every token of a segment. */
export function layoutOf(tensor: Tensor, segment: Segment): Layout | undefined {
  if (!tensor.hasShape) return undefined
  const { dims } = tensor
  const [axis, ...others] = dims.flatMap((dim, at) => (counts(dim, segment) ? [at] : []))
  if (axis === undefined || others.length > 0) return undefined
  const size = dims[axis] as Dim
  const batches = dims.flatMap((dim, at) => (hasBatch(dim, segment) ? [at] : []))
  if (size === mulDims(segment.batch, segment.count) && batches.every((at) => at === axis) && axis === 0) {
    return { rows: 0, axis: 0, folded: 1 }
  }
  // Where the batch is fixed to one example, it is the first axis.
  const rows = batches[0] ?? 0
  if (size !== segment.count || rows === axis || batches.length > 1) return undefined
  const folded = divideExactly(dims[rows] as Dim, segment.batch)
  return typeof folded === 'number' && folded >= 1 ? { rows, axis, folded } : undefined
}

/**
 * Whether a reshape leaves examples and tokens where they are: as many elements come before each of them, row by row. [h,b,n,…] as
 * [h·b,n,…] does not, whose rows are not those of [b·h,n,…].
 */
export function areInSamePlaces(from: Tensor, layout: Layout, to: Tensor, toLayout: Layout): boolean {
  const [before, after] = [elementsBefore(from, layout), elementsBefore(to, toLayout)]
  return before.every((count, i) => typeof count === 'number' && count === after[i])
}

/** Elements before the examples, and before the tokens of one. */
function elementsBefore({ dims }: Tensor, { rows, axis, folded }: Layout): readonly [Dim, Dim] {
  const product = (sizes: readonly Dim[]): Dim => sizes.reduce(mulDims, 1)
  return [
    product(dims.slice(0, rows).filter((_, i) => i !== axis)),
    product(dims.slice(0, axis).map((size, i) => (i === rows ? folded : size))),
  ]
}

/** True if the size depends on how many tokens there are, or on what these are counted by (the samples of a recording). */
function counts(dim: Dim, { count }: Segment): boolean {
  const names = namesIn(dim)
  return [...namesIn(count)].some((name) => names.has(name))
}

/** True if a value may have rows for tokens: those of a segment, of another one (restored tokens), or of a number that is not known. */
export function mayHaveTokens({ hasShape, dims }: Tensor, { batch }: Segment): boolean {
  const examples = namesIn(batch)
  return !hasShape || dims.some((dim) => [...namesIn(dim)].some((name) => !examples.has(name)))
}

/** True if the size depends on the size of the batch. */
export function hasBatch(dim: Dim, { batch }: Segment): boolean {
  const names = namesIn(batch)
  return [...namesIn(dim)].some((name) => names.has(name))
}

/** True if a value is the same whatever the batch and its tokens are. */
export function isSameForAll({ hasShape, dims }: Tensor, segment: Segment): boolean {
  return hasShape && dims.every((dim) => !counts(dim, segment) && !hasBatch(dim, segment))
}

/** Sizes of the packed value as a Reshape takes them; undefined where one is not known. */
export function packedSizes({ dims }: Tensor, { rows, axis, folded }: Layout): number[] | undefined {
  const sizes = dims.map((dim, i) => (i === axis ? -1 : i === rows ? folded : dim))
  return sizes.every((size) => typeof size === 'number') ? sizes : undefined
}

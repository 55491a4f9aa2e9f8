import { sizeOf } from '../array.ts'
import { ShapeProblem } from '../tensor.ts'

/** A gibibyte of doubles: a size that is wrong must not take all memory. */
const MOST_ELEMENTS = 2 ** 27

/**
 * Number of elements of a concrete shape that is about to be filled.
 * @throws ShapeProblem if they are too many
 */
export function sizeToFill(dims: readonly number[]): number {
  const size = sizeOf(dims)
  if (!(size <= MOST_ELEMENTS)) throw new ShapeProblem(`${size} elements are too many to be computed here`)
  return size
}

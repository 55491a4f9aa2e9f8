import { sizeOf } from '../array.ts'
import { ShapeProblem } from '../expression/tensor.ts'

/** 256 MiB of doubles: a size that is wrong must not take all memory. */
const MOST_ELEMENTS = 2 ** 25

/**
 * Number of elements of a concrete shape that is about to be filled.
 * @throws ShapeProblem if they are too many
 */
export function sizeToFill(dims: readonly number[]): number {
  const size = sizeOf(dims)
  if (!(size <= MOST_ELEMENTS)) throw new ShapeProblem(`${size} elements are too many to be computed here`)
  return size
}

/** A gibibyte of doubles in results that are still needed. */
const MOST_HELD = 2 ** 27

/** @throws ShapeProblem if so many elements cannot be held together */
export function checkHeld(elements: number): void {
  if (elements > MOST_HELD) throw new ShapeProblem(`${elements} elements are too many to be held at once here`)
}

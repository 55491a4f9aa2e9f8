import { MOST_ELEMENTS } from '../expression/apply.ts'
import {
  addDims,
  type Dim,
  divideExactly,
  floorDivideDims,
  isPositive,
  isUnknown,
  maxDims,
  minDims,
  mulDims,
  subDims,
  unknownDim,
} from '../expression/dim.ts'
import type { Tensor } from '../expression/tensor.ts'
import { mayWork } from '../expression/work-limit.ts'
import { dimsOf, knownSmaller, staticDims } from './sizes.ts'
import { broadcastWalk } from './strides.ts'

/**
 * Arithmetic on the known contents of small integer tensors, element by element: how shape computations inside a graph
 * are followed. Named sizes are at least 1; an element nothing is known about is an unknown size; booleans are 0 and 1.
 */

/** Contents of an elementwise result, or undefined if those of an input are not known. */
export function mapContents(
  inputs: readonly Tensor[],
  dims: readonly Dim[] | undefined,
  each: (...elements: Dim[]) => Dim,
): readonly Dim[] | undefined {
  const sizes = staticDims(dims)
  const size = sizes?.reduce((a, b) => a * b, 1)
  if (sizes === undefined || size === undefined || size > MOST_ELEMENTS || !mayWork(size)) return undefined
  const columns: Dim[][] = []
  for (const input of inputs) {
    const { value } = input
    const own = staticDims(dimsOf(input))
    if (value === undefined || own === undefined) return undefined
    columns.push(pick(value, broadcastWalk(own, sizes)))
  }
  const [first] = columns
  return first?.map((_, i) => each(...columns.map((column) => column[i] as Dim)))
}

export function pick(value: readonly Dim[], positions: Int32Array): Dim[] {
  return Array.from(positions, (position) => value[position] as Dim)
}

/** Truth of a - b > 0: 1, 0 or unknown. */
export function isGreater(a: Dim, b: Dim): Dim {
  if (isUnknown(a) || isUnknown(b)) return unknownDim()
  if (isPositive(subDims(a, b))) return 1
  return isPositive(addDims(subDims(b, a), 1)) ? 0 : unknownDim()
}

export function isEqual(a: Dim, b: Dim): Dim {
  if (a === b) return 1
  if (isUnknown(a) || isUnknown(b)) return unknownDim()
  const difference = subDims(a, b)
  return isPositive(difference) || isPositive(mulDims(difference, -1)) ? 0 : unknownDim()
}

export function larger(a: Dim, b: Dim): Dim {
  if (isGreater(b, a) === 0) return a
  return isGreater(a, b) === 0 ? b : known(maxDims, a, b)
}

export function smaller(a: Dim, b: Dim): Dim {
  if (isGreater(a, b) === 0) return a
  return isGreater(b, a) === 0 ? b : (knownSmaller(a, b) ?? known(minDims, a, b))
}

/** Integer division of ONNX: towards zero. */
export function quotientOf(a: Dim, b: Dim): Dim {
  if (b === 0) return unknownDim()
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b)
  return known(floorDivideDims, a, b)
}

/** Remainder with the sign of the divisor. */
export function remainderOf(a: Dim, b: Dim): Dim {
  if (b === 0 || isUnknown(a) || isUnknown(b)) return unknownDim()
  if (divideExactly(a, b) !== undefined) return 0
  return subDims(a, mulDims(b, floorDivideDims(a, b)))
}

export function negated(a: Dim): Dim {
  return a === 0 ? 1 : a === 1 ? 0 : unknownDim()
}

export function bothTrue(a: Dim, b: Dim): Dim {
  return a === 0 || b === 0 ? 0 : a === 1 && b === 1 ? 1 : unknownDim()
}

export function choose(condition: Dim, a: Dim, b: Dim): Dim {
  return condition === 1 || a === b ? a : condition === 0 ? b : unknownDim()
}

function known(of: (a: Dim, b: Dim) => Dim, a: Dim, b: Dim): Dim {
  return isUnknown(a) || isUnknown(b) ? unknownDim() : of(a, b)
}

import { type Dim, isUnknown } from '../expression/dim.ts'
import type { Tensor } from '../expression/tensor.ts'

/** Whether a value is a tensor, also one of another copy of core: a plugin for pages brings its own. */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'node' in value && 'dtype' in value && 'output' in value
}

/**
 * True if the tensor cannot have these sizes. A size of which nothing is known may be any, and one with a name some number.
 * @param anyName whether sizes may also have the names that they have in the model's graph
 */
export function shapeProblem(tensor: Tensor, dims: readonly Dim[], anyName = false): boolean {
  if (!tensor.hasShape || tensor.rank !== dims.length) return true
  if (anyName) return false
  return tensor.dims.some((dim, axis) => differ(dim, dims[axis] as Dim, axis === 0))
}

/** A batch of 1 may have a name; an axis of 1 next to the tokens is one that was reduced. */
function differ(a: Dim, b: Dim, isBatch: boolean): boolean {
  if (a === b || isUnknown(a) || isUnknown(b)) return false
  return typeof a === typeof b || (a === 1 && !isBatch)
}

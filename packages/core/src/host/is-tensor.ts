import { isUnknown } from '../dim.ts'
import type { Tensor } from '../tensor.ts'

/** Whether a value is a tensor, also one of another copy of core: a plugin for pages brings its own. */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'node' in value && 'dtype' in value && 'output' in value
}

/** True if the tensor cannot have these sizes. A size of which nothing is known may be any. */
export function shapeProblem(tensor: Tensor, dims: Tensor['dims']): boolean {
  if (!tensor.hasShape || tensor.rank !== dims.length) return true
  return tensor.dims.some((dim, axis) => dim !== dims[axis] && !isUnknown(dim) && !isUnknown(dims[axis] ?? 0))
}

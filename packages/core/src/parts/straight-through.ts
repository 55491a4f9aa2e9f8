import type { Tensor } from '../expression/tensor.ts'
import { add, cast, stopGradient, sub } from '../ops/index.ts'

/** A hard choice (bool, or numbers) with the gradient of a soft one: straight-through estimator. */
export function straightThrough(hard: Tensor, soft: Tensor): Tensor {
  return add(soft, stopGradient(sub(cast(hard, soft.dtype), soft)))
}

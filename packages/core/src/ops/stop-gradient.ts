import { applyOne } from '../expression/apply.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** Its input, taken as a constant by differentiation. It occurs in expressions only and is not written to files. */
const StopGradient: Op = {
  name: 'StopGradient',
  infer(inputs) {
    const x = operand(inputs, 0)
    return [{ dtype: x.dtype, dims: dimsOf(x), value: x.value }]
  },
  run: (inputs) => [at(inputs, 0)],
  expand: ({ inputs }) => [inputs[0] as Tensor],
}

/**
 * The same value, through which no gradient passes. A hard choice with the gradient of a soft one (straight-through
 * estimator) is `add(soft, stopGradient(sub(hard, soft)))`.
 */
export function stopGradient(x: Tensor): Tensor {
  return applyOne(StopGradient, [x])
}

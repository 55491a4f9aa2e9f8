import type { Op } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** Dropout, which drops nothing at inference. */
export const Dropout: Op = {
  name: 'Dropout',
  infer(inputs) {
    const x = operand(inputs, 0)
    return [{ dtype: x.dtype, dims: dimsOf(x) }]
  },
  run: (inputs) => [at(inputs, 0)],
  read({ inputs: [x, , training], outputs }) {
    return training !== undefined || outputs > 1 ? undefined : { inputs: [x], attributes: {} }
  },
}

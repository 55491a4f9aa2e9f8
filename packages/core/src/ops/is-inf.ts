import type { Op } from '../expression/tensor.ts'
import { ShapeProblem } from '../expression/tensor.ts'
import { at, mapped } from './kernels.ts'
import { intOf, isFloat, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** True where a number is infinite; with `detect_positive` or `detect_negative` 0, of one sign alone. */
export const IsInf: Op = {
  name: 'IsInf',
  since: 10,
  infer(inputs) {
    const x = operand(inputs, 0)
    if (!isFloat(x.dtype)) throw new ShapeProblem(`does not take ${x.dtype}`)
    return [{ dtype: 'bool', dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const found = [
      ...(intOf(attributes, 'detect_positive', 1) === 1 ? [Number.POSITIVE_INFINITY] : []),
      ...(intOf(attributes, 'detect_negative', 1) === 1 ? [Number.NEGATIVE_INFINITY] : []),
    ]
    return [mapped(at(inputs, 0), 'bool', (x) => (found.includes(x) ? 1 : 0), context)]
  },
}

import { applyOne } from '../expression/apply.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { add, mul } from './binary.ts'
import { at, mapped } from './kernels.ts'
import { isFloat, operand, textOf } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { erf, errorFunction, tanh } from './unary.ts'

const ROOT = Math.sqrt(2 / Math.PI)

/** x · Φ(x); `approximate` 'tanh': with the tanh formula for Φ. */
export const Gelu: Op = {
  name: 'Gelu',
  since: 20,
  infer(inputs) {
    const x = operand(inputs, 0)
    if (!isFloat(x.dtype)) throw new ShapeProblem(`does not take ${x.dtype}`)
    return [{ dtype: x.dtype, dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const each = textOf(attributes, 'approximate', 'none') === 'tanh' ? tanhGelu : exactGelu
    return [mapped(x, x.dtype, each, context)]
  },
  expand({ inputs: [x], attributes }, opset) {
    if (opset >= 20 || x === undefined) return undefined
    if (textOf(attributes, 'approximate', 'none') === 'tanh') {
      const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), ROOT)
      return [mul(mul(x, 0.5), add(tanh(inner), 1))]
    }
    return [mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1))]
  },
  read: ({ inputs, attributes }) => ({
    inputs,
    attributes: { approximate: textOf(attributes, 'approximate', 'none') },
  }),
}

export function exactGelu(x: number): number {
  return 0.5 * x * (1 + errorFunction(x * Math.SQRT1_2))
}

export function tanhGelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(ROOT * (x + 0.044715 * x ** 3)))
}

/** x · Φ(x). */
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  return applyOne(Gelu, [x], { approximate })
}

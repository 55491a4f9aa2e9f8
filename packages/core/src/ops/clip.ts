import { applyOne } from '../expression/apply.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import { maximum, minimum } from './binary.ts'
import { asTensor, constant, constantData, type Operand } from './constant.ts'
import { at, mapped } from './kernels.ts'
import { isFloat, operand, sameType } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** Elements moved into [min, max]; either bound (a scalar input) may be missing. */
export const Clip: Op = {
  name: 'Clip',
  infer(inputs) {
    const x = operand(inputs, 0)
    const bounds = inputs.slice(1).filter((bound) => bound !== undefined)
    return [{ dtype: sameType(x, ...bounds), dims: dimsOf(x) }]
  },
  run(inputs, _, context) {
    const x = at(inputs, 0)
    const low = inputs[1]?.data[0] ?? Number.NEGATIVE_INFINITY
    const high = inputs[2]?.data[0] ?? Number.POSITIVE_INFINITY
    return [mapped(x, x.dtype, (element) => Math.min(Math.max(element, low), high), context)]
  },
  write({ inputs, attributes }, opset) {
    const [x, low, high] = inputs
    if (opset >= 11) return { type: 'Clip', inputs, attributes }
    // bounds that are not constant were expanded
    return {
      type: 'Clip',
      inputs: [x],
      attributes: { min: constantData(low)?.data[0], max: constantData(high)?.data[0] },
    }
  },
  expand({ inputs: [x, low, high] }, opset) {
    if (x === undefined) return undefined
    const computed = [low, high].some((bound) => bound !== undefined && constantData(bound) === undefined)
    const fits = opset >= 12 || (isFloat(x.dtype) && (opset === 11 || !computed))
    if (fits) return undefined
    const raised = low === undefined ? x : maximum(x, low)
    return [high === undefined ? raised : minimum(raised, high)]
  },
  read({ inputs, attributes }, opset) {
    const [x] = inputs
    if (x === undefined || opset >= 11) return { inputs, attributes: {} }
    const bound = (name: string): Tensor | undefined => {
      const value = attributes[name]
      return typeof value === 'number' ? constant(value, x.dtype) : undefined
    }
    return { inputs: [x, bound('min'), bound('max')], attributes: {} }
  },
}

/** Elements moved into [low, high]. */
export function clip(x: Tensor, low?: Operand, high?: Operand): Tensor {
  const bound = (operand: Operand | undefined): Tensor | undefined =>
    operand === undefined ? undefined : asTensor(operand, x.dtype)
  return applyOne(Clip, high === undefined ? [x, bound(low)] : [x, bound(low), bound(high)])
}

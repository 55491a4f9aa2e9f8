import { applyOne } from '../expression/apply.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, type Tensor } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { frontAxis, intOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { around } from './strides.ts'

function define(name: 'ArgMax' | 'ArgMin'): Op {
  return {
    name,
    infer(inputs, attributes) {
      const dims = dimsOf(operand(inputs, 0))
      if (dims === undefined) return [{ dtype: 'int64', dims: undefined }]
      const axis = frontAxis(intOf(attributes, 'axis', 0), dims.length)
      return [{ dtype: 'int64', dims: left(dims, axis, intOf(attributes, 'keepdims', 1) === 1) }]
    },
    run(inputs, attributes, context) {
      const x = at(inputs, 0)
      const axis = frontAxis(intOf(attributes, 'axis', 0), x.dims.length)
      const { outer, size, inner } = around(x.dims, axis)
      const last = intOf(attributes, 'select_last_index', 0) === 1
      const sign = name === 'ArgMax' ? 1 : -1
      const result = context.zeros('int64', left(x.dims, axis, intOf(attributes, 'keepdims', 1) === 1) as number[])
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < inner; i++) {
          let best = 0
          for (let j = 1; j < size; j++) {
            const element = sign * (x.data[(o * size + j) * inner + i] as number)
            const top = sign * (x.data[(o * size + best) * inner + i] as number)
            if (element > top || (last && element === top)) best = j
          }
          result.data[o * inner + i] = best
        }
      }
      return [result]
    },
    write: ({ inputs, attributes: { axis, keepdims, select_last_index } }, opset) => ({
      type: name,
      inputs,
      attributes: opset >= 12 && select_last_index === 1 ? { axis, keepdims, select_last_index } : { axis, keepdims },
    }),
    read({ inputs, attributes }) {
      const [x] = inputs
      const axis = intOf(attributes, 'axis', 0)
      return (
        x && {
          inputs,
          attributes: {
            axis: x.hasShape ? frontAxis(axis, x.rank) : axis,
            keepdims: intOf(attributes, 'keepdims', 1),
            select_last_index: intOf(attributes, 'select_last_index', 0),
          },
        }
      )
    },
  }
}

function left<T>(dims: readonly T[], axis: number, keep: boolean): (T | 1)[] {
  return keep ? (dims as readonly (T | 1)[]).with(axis, 1) : dims.filter((_, i) => i !== axis)
}

/** Index of the largest element of an axis; of equals the first. */
export const ArgMax: Op = define('ArgMax')
/** Index of the smallest element of an axis. */
export const ArgMin: Op = define('ArgMin')

/** Index of the largest element of an axis, which goes unless `keepDims`. */
export function argMax(x: Tensor, axis: number | string, { keepDims = false }: { keepDims?: boolean } = {}): Tensor {
  return applyOne(ArgMax, [x], { axis: axisOf(x, axis), keepdims: keepDims ? 1 : 0, select_last_index: 0 })
}

/** Index of the smallest element of an axis, which goes unless `keepDims`. */
export function argMin(x: Tensor, axis: number | string, { keepDims = false }: { keepDims?: boolean } = {}): Tensor {
  return applyOne(ArgMin, [x], { axis: axisOf(x, axis), keepdims: keepDims ? 1 : 0, select_last_index: 0 })
}

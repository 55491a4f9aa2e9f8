import { applyOne } from '../expression/apply.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, type Tensor } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { frontAxis, intOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { around } from './strides.ts'
import { transpose } from './transpose.ts'

function define(name: 'Softmax' | 'LogSoftmax'): Op {
  const op: Op = {
    name,
    infer(inputs, attributes) {
      const x = operand(inputs, 0)
      if (x.hasShape) frontAxis(intOf(attributes, 'axis', -1), x.rank)
      return [{ dtype: x.dtype, dims: dimsOf(x) }]
    },
    run(inputs, attributes, context) {
      const x = at(inputs, 0)
      const { outer, size, inner } = around(x.dims, frontAxis(intOf(attributes, 'axis', -1), x.dims.length))
      const result = context.zeros(x.dtype, x.dims)
      const line = new Float64Array(size)
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < inner; i++) {
          const start = o * size * inner + i
          let top = Number.NEGATIVE_INFINITY
          for (let j = 0; j < size; j++) top = Math.max(top, x.data[start + j * inner] as number)
          let sum = 0
          for (let j = 0; j < size; j++) {
            const power = Math.exp((x.data[start + j * inner] as number) - top)
            line[j] = power
            sum += power
          }
          const shift = top + Math.log(sum)
          for (let j = 0; j < size; j++) {
            const position = start + j * inner
            result.data[position] =
              name === 'Softmax' ? (line[j] as number) / sum : (x.data[position] as number) - shift
          }
        }
      }
      return [result]
    },
    // below 13 the op takes all axes from `axis` on as one
    expand({ inputs, attributes }, opset) {
      const [x] = inputs as readonly [Tensor]
      const axis = intOf(attributes, 'axis', -1)
      if (opset >= 13 || frontAxis(axis, x.rank) === x.rank - 1) return undefined
      const order = x.dims.map((_, i) => i)
      order[axis] = x.rank - 1
      order[x.rank - 1] = axis
      return [transpose(applyOne(op, [transpose(x, order)], { axis: x.rank - 1 }), order)]
    },
    read({ inputs, attributes }, opset) {
      const [x] = inputs
      if (x === undefined) return undefined
      const axis = intOf(attributes, 'axis', opset < 13 ? 1 : -1)
      if (!x.hasShape) return axis === -1 ? { inputs, attributes: { axis } } : undefined
      const front = frontAxis(axis, x.rank)
      return opset < 13 && front !== x.rank - 1 ? undefined : { inputs, attributes: { axis: front } }
    },
  }
  return op
}

/** exp(x) over its sum along one axis. */
export const Softmax: Op = define('Softmax')
/** Logarithm of softmax. */
export const LogSoftmax: Op = define('LogSoftmax')

/** exp(x) over its sum along one axis, by number or name. */
export function softmax(x: Tensor, axis: number | string = -1): Tensor {
  return applyOne(Softmax, [x], { axis: axisOf(x, axis) })
}

/** Logarithm of softmax. */
export function logSoftmax(x: Tensor, axis: number | string = -1): Tensor {
  return applyOne(LogSoftmax, [x], { axis: axisOf(x, axis) })
}

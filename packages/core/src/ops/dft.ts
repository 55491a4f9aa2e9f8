import { addDims, type Dim, floorDivideDims, unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { constant } from './constant.ts'
import { at } from './kernels.ts'
import { frontAxis, intOf, numbersOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { around } from './strides.ts'

/** Discrete Fourier transform along `axis`; the last axis holds real and imaginary parts. */
export const DFT: Op = {
  name: 'DFT',
  since: 17,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const dims = dimsOf(x)
    if (dims === undefined) return [{ dtype: x.dtype, dims: undefined }]
    const axis = frontAxis(intOf(attributes, 'axis', 1), dims.length)
    const length: Dim = inputs[1] === undefined ? (dims[axis] as Dim) : (inputs[1].value?.[0] ?? unknownDim())
    const half = intOf(attributes, 'onesided', 0) === 1
    const size = half ? addDims(floorDivideDims(length, 2), 1) : length
    return [{ dtype: x.dtype, dims: [...dims.with(axis, size).slice(0, -1), 2] }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const axis = frontAxis(intOf(attributes, 'axis', 1), x.dims.length)
    const parts = x.dims.at(-1) as number // 1: real only
    const { outer, size, inner } = around(x.dims.slice(0, -1), axis)
    const length = inputs[1]?.data[0] ?? size
    const count = intOf(attributes, 'onesided', 0) === 1 ? Math.floor(length / 2) + 1 : length
    const inverse = intOf(attributes, 'inverse', 0) === 1
    const result = context.zeros(x.dtype, [...x.dims.with(axis, count).slice(0, -1), 2])
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        for (let k = 0; k < count; k++) {
          let real = 0
          let imaginary = 0
          for (let j = 0; j < Math.min(size, length); j++) {
            const angle = ((inverse ? 2 : -2) * Math.PI * ((j * k) % length)) / length
            const from = ((o * size + j) * inner + i) * parts
            const re = x.data[from] as number
            const im = parts === 2 ? (x.data[from + 1] as number) : 0
            real += re * Math.cos(angle) - im * Math.sin(angle)
            imaginary += re * Math.sin(angle) + im * Math.cos(angle)
          }
          const to = ((o * count + k) * inner + i) * 2
          result.data[to] = inverse ? real / length : real
          result.data[to + 1] = inverse ? imaginary / length : imaginary
        }
      }
    }
    return [result]
  },
  write({ inputs: [x, length], attributes: { axis, inverse, onesided } }, opset) {
    if (opset < 20) return { type: 'DFT', inputs: [x, length], attributes: { axis, inverse, onesided } }
    return { type: 'DFT', inputs: [x, length, constant(axis as number, 'int64')], attributes: { inverse, onesided } }
  },
  read({ inputs: [x, length, axis], attributes }, opset) {
    if (x === undefined) return undefined
    // an input from 20 on
    const axisNumber = opset < 20 ? intOf(attributes, 'axis', 1) : axis === undefined ? -2 : numbersOf(axis)?.[0]
    return axisNumber === undefined
      ? undefined
      : {
          inputs: [x, length],
          attributes: {
            axis: x.hasShape ? frontAxis(axisNumber, x.rank) : axisNumber,
            inverse: intOf(attributes, 'inverse', 0),
            onesided: intOf(attributes, 'onesided', 0),
          },
        }
  },
}

import { addDims, type Dim, floorDivideDims, unknownDim } from '../dim.ts'
import type { Op } from '../op.ts'
import { noKernel } from './kernels.ts'
import { frontAxis, intOf, numbersOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

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
  run: noKernel('DFT'),
  read({ inputs: [x, length, axis], attributes }, opset) {
    if (x === undefined) return undefined
    // an input from 20 on
    const given = opset < 20 ? intOf(attributes, 'axis', 1) : axis === undefined ? -2 : numbersOf(axis)?.[0]
    return given === undefined ? undefined : { inputs: [x, length], attributes: { ...attributes, axis: given } }
  },
}

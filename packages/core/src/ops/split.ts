import { TpError } from '../errors.ts'
import { apply, MOST_ELEMENTS } from '../expression/apply.ts'
import { addDims, type Dim, divideExactly, mulDims, subDims, unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { ints } from './constant.ts'
import { pick } from './contents.ts'
import { at, numbers, picked } from './kernels.ts'
import { frontAxis, intOf, intsOf, numbersOf, operand } from './operands.ts'
import { dimsOf, staticDims } from './sizes.ts'
import { stridesOf, walk } from './strides.ts'

/**
 * An axis cut into parts: of the sizes `split` (as an input where they are computed), or `num_outputs` equal ones of
 * which the last may be shorter.
 */
export const Split: Op = {
  name: 'Split',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const dims = dimsOf(x)
    const sizes: readonly Dim[] | undefined = inputs[1]?.value ?? intsOf(attributes, 'split')
    const count = sizes?.length ?? intOf(attributes, 'num_outputs', 0)
    if (!(count >= 0 && count <= MOST_ELEMENTS)) throw new ShapeProblem(`makes ${count} parts`)
    if (dims === undefined) return Array.from({ length: count }, () => ({ dtype: x.dtype, dims: undefined }))
    const axis = frontAxis(intOf(attributes, 'axis', 0), dims.length)
    const size = dims[axis] as Dim
    const parts = sizes ?? equalParts(size, count)
    const total = sizes?.reduce(addDims, 0)
    if (typeof total === 'number' && typeof size === 'number' && size !== total) {
      throw new ShapeProblem(`parts [${sizes}] are ${total} together, the axis has ${size}`)
    }
    const whole = staticDims(dims)
    let start = 0
    return parts.map((part) => {
      const result = dims.with(axis, part)
      const fixed = staticDims(result)
      let value: Dim[] | undefined
      if (x.value !== undefined && whole !== undefined && fixed !== undefined) {
        const strides = stridesOf(whole)
        value = pick(x.value, walk(fixed, strides, start * (strides[axis] as number)))
        start += fixed[axis] as number
      }
      return { dtype: x.dtype, dims: result, value }
    })
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const axis = frontAxis(intOf(attributes, 'axis', 0), x.dims.length)
    const parts =
      (inputs[1] && numbers(inputs[1])) ??
      intsOf(attributes, 'split') ??
      (equalParts(x.dims[axis] as number, intOf(attributes, 'num_outputs', 1)) as readonly number[])
    const strides = stridesOf(x.dims)
    let start = 0
    return parts.map((part) => {
      const dims = x.dims.with(axis, part)
      const result = picked(x, dims, walk(dims, strides, start * (strides[axis] as number)), context)
      start += part
      return result
    })
  },
  write({ inputs: [x, computed], attributes: { axis, split, num_outputs } }, opset) {
    const sizes = split as readonly number[] | undefined
    if (computed !== undefined) {
      if (opset < 13)
        throw new TpError('TP_OPSET', 'core', `Split by computed sizes needs opset 13, the file has ${opset}`)
      return { type: 'Split', inputs: [x, computed], attributes: { axis } }
    }
    if (opset < 13) return { type: 'Split', inputs: [x], attributes: { axis, split: sizes } }
    if (sizes !== undefined) return { type: 'Split', inputs: [x, ints(sizes)], attributes: { axis } }
    return { type: 'Split', inputs: [x], attributes: opset < 18 ? { axis } : { axis, num_outputs } }
  },
  read({ inputs, attributes, outputs }, opset) {
    const [x, sizes] = inputs
    if (x === undefined) return undefined
    const axis = intOf(attributes, 'axis', 0)
    const front = x.hasShape ? frontAxis(axis, x.rank) : axis
    const split = opset < 13 ? intsOf(attributes, 'split') : numbersOf(sizes)
    if (opset >= 13 && sizes !== undefined && split === undefined) {
      return sizes.value && { inputs: [x, sizes], attributes: { axis: front, num_outputs: outputs } }
    }
    return {
      inputs: [x],
      attributes: split === undefined ? { axis: front, num_outputs: outputs } : { axis: front, split },
    }
  },
}

function equalParts(size: Dim, count: number): readonly Dim[] {
  if (typeof size === 'number') {
    const part = Math.ceil(size / count)
    return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, size - i * part)))
  }
  const part = divideExactly(size, count)
  if (part !== undefined) return Array.from({ length: count }, () => part)
  const unknown = unknownDim()
  return Array.from({ length: count }, (_, i) => (i < count - 1 ? unknown : subDims(size, mulDims(unknown, count - 1))))
}

/** The parts of an axis, of the given sizes. */
export function splitAxis(x: Tensor, sizes: readonly number[], axis: number | string): Tensor[] {
  return apply(Split, [x], { axis: axisOf(x, axis), split: sizes })
}

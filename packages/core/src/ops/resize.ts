import { type Dim, unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem } from '../expression/tensor.ts'
import { constant, constantData } from './constant.ts'
import { resizeAxis } from './interpolation.ts'
import { at } from './kernels.ts'
import { intOf, intsOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** Another number of elements per axis by interpolation: input 3 has the sizes, or input 2 the factors. */
export const Resize: Op = {
  name: 'Resize',
  since: 11,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const dims = dimsOf(x)
    if (dims === undefined) return [{ dtype: x.dtype, dims: undefined }]
    const axes = intsOf(attributes, 'axes') ?? dims.map((_, axis) => axis)
    const result: Dim[] = [...dims]
    const sizes = inputs[3]?.value
    const factors = constantData(inputs[2])?.data
    const stretched = attributes.keep_aspect_ratio_policy ?? 'stretch'
    axes.forEach((axis, i) => {
      const dim = result[axis] as Dim
      const size = stretched === 'stretch' ? sizes?.[i] : undefined
      const factor = factors?.[i]
      if (size !== undefined) result[axis] = size
      else if (factor === 1) result[axis] = dim
      else if (factor !== undefined && typeof dim === 'number') result[axis] = Math.floor(dim * factor)
      else result[axis] = unknownDim()
    })
    return [{ dtype: x.dtype, dims: result }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    if (intOf(attributes, 'antialias', 0) === 1) throw new ShapeProblem('with antialias cannot be computed here')
    const axes = intsOf(attributes, 'axes') ?? x.dims.map((_, axis) => axis)
    return [
      axes.reduce((result, axis, i) => {
        const before = x.dims[axis] as number
        const size = inputs[3]?.data[i]
        const factor = size === undefined ? (inputs[2]?.data[i] as number) : size / before
        return factor === 1
          ? result
          : resizeAxis(result, axis, size ?? Math.floor(before * factor), factor, attributes, context)
      }, x),
    ]
  },
  write({ inputs: [x, roi, scales, sizes], attributes }, opset) {
    // before 13 what is missing is written as an empty list
    const none = opset < 13 ? constant([]) : undefined
    return { type: 'Resize', inputs: [x, roi ?? none, scales ?? none, sizes], attributes }
  },
  read({ inputs, attributes }, opset) {
    if (opset >= 11) {
      const [x, roi, scales, sizes] = inputs
      // an empty list stands for a missing one
      const empty = scales?.hasShape && scales.dims[0] === 0
      return { inputs: [x, roi, empty ? undefined : scales, sizes], attributes }
    }
    const [x, scales] = inputs
    return {
      inputs: [x, constant([]), scales],
      attributes: { ...attributes, coordinate_transformation_mode: 'asymmetric' },
    }
  },
}

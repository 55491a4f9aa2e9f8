import { sizeOf } from '../array.ts'
import type { Op } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { intOf, operand, sameType } from './operands.ts'
import { dimsOf } from './sizes.ts'

/**
 * (x − mean) / √(variance + epsilon) · scale + bias for each channel of x [batch, channels, spatial…], by the mean and variance that
 * training has left [channels]. Not the form that trains: it normalizes by the batch's own, and has further results.
 */
export const BatchNormalization: Op = {
  name: 'BatchNormalization',
  infer(inputs) {
    const x = operand(inputs, 0)
    operand(inputs, 3)
    operand(inputs, 4)
    // Since opset 15 the statistics may have a type of their own.
    return [{ dtype: sameType(x, operand(inputs, 1), operand(inputs, 2)), dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const [scale, bias] = [at(inputs, 1), at(inputs, 2)]
    const [mean, variance] = [at(inputs, 3), at(inputs, 4)]
    const epsilon = intOf(attributes, 'epsilon', 1e-5)
    const channels = x.dims[1] ?? 1
    const size = sizeOf(x.dims.slice(2))
    const result = context.zeros(x.dtype, x.dims)
    for (let i = 0; i < x.data.length; i++) {
      const channel = Math.floor(i / size) % channels
      const factor = (scale.data[channel] as number) / Math.sqrt((variance.data[channel] as number) + epsilon)
      result.data[i] =
        ((x.data[i] as number) - (mean.data[channel] as number)) * factor + (bias.data[channel] as number)
    }
    return [result]
  },
  read({ inputs, attributes, outputs }) {
    if (outputs > 1 || intOf(attributes, 'training_mode', 0) !== 0 || intOf(attributes, 'spatial', 1) !== 1)
      return undefined
    return { inputs, attributes: { epsilon: intOf(attributes, 'epsilon', 1e-5) } }
  },
}

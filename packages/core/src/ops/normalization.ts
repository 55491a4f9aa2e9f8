import { sizeOf } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import { add, div, mul, sub } from './binary.ts'
import { at } from './kernels.ts'
import { frontAxis, intOf, operand, sameType } from './operands.ts'
import { mean } from './reduce.ts'
import { broadcastOf, dimsOf } from './sizes.ts'
import { broadcastWalk } from './strides.ts'
import { sqrt } from './unary.ts'

/** (x − mean) / √(variance + epsilon) · scale + bias over the axes from `axis` on. */
export const LayerNormalization: Op = {
  name: 'LayerNormalization',
  since: 17,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const scale = operand(inputs, 1)
    const bias = inputs[2]
    const dtype = sameType(x, scale, ...(bias === undefined ? [] : [bias]))
    if (x.hasShape) {
      frontAxis(intOf(attributes, 'axis', -1), x.rank)
      broadcastOf(bias === undefined ? [x, scale] : [x, scale, bias])
    }
    return [{ dtype, dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const scale = at(inputs, 1)
    const bias = inputs[2]
    const axis = frontAxis(intOf(attributes, 'axis', -1), x.dims.length)
    const epsilon = intOf(attributes, 'epsilon', 1e-5)
    const own = x.dims.slice(axis)
    const size = sizeOf(own)
    // scale and bias nearly always have the normalized axes' shape; the walk covers those that broadcast
    const scaleAt = scale.data.length === size ? undefined : broadcastWalk(scale.dims, own)
    const biasAt = bias === undefined || bias.data.length === size ? undefined : broadcastWalk(bias.dims, own)
    const result = context.zeros(x.dtype, x.dims)
    for (let start = 0; start < x.data.length; start += size) {
      let sum = 0
      for (let i = 0; i < size; i++) sum += x.data[start + i] as number
      const middle = sum / size
      let squares = 0
      for (let i = 0; i < size; i++) squares += ((x.data[start + i] as number) - middle) ** 2
      const factor = 1 / Math.sqrt(squares / size + epsilon)
      for (let i = 0; i < size; i++) {
        const weight = scale.data[scaleAt === undefined ? i : (scaleAt[i] as number)] as number
        const shift = bias === undefined ? 0 : (bias.data[biasAt === undefined ? i : (biasAt[i] as number)] as number)
        result.data[start + i] = ((x.data[start + i] as number) - middle) * factor * weight + shift
      }
    }
    return [result]
  },
  expand({ inputs, attributes }, opset) {
    if (opset >= 17) return undefined
    const [x, scale, bias] = inputs as readonly [Tensor, Tensor, Tensor | undefined]
    const first = frontAxis(intOf(attributes, 'axis', -1), x.rank)
    const axes = x.dims.map((_, axis) => axis).slice(first)
    const centered = sub(x, mean(x, axes, { keepDims: true }))
    const variance = mean(mul(centered, centered), axes, { keepDims: true })
    const scaled = mul(div(centered, sqrt(add(variance, intOf(attributes, 'epsilon', 1e-5)))), scale)
    return [bias === undefined ? scaled : add(scaled, bias)]
  },
  read({ inputs, attributes, outputs }) {
    const [x] = inputs
    if (x === undefined || outputs > 1) return undefined
    const axis = intOf(attributes, 'axis', -1)
    return {
      inputs,
      attributes: { axis: x.hasShape ? frontAxis(axis, x.rank) : axis, epsilon: intOf(attributes, 'epsilon', 1e-5) },
    }
  },
}

/** x / √(mean of squares + epsilon) · scale over the axes from `axis` on. */
export const RMSNormalization: Op = {
  name: 'RMSNormalization',
  since: 23,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    if (x.hasShape) frontAxis(intOf(attributes, 'axis', -1), x.rank)
    return [{ dtype: sameType(x, operand(inputs, 1)), dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const scale = at(inputs, 1)
    const own = x.dims.slice(frontAxis(intOf(attributes, 'axis', -1), x.dims.length))
    const epsilon = intOf(attributes, 'epsilon', 1e-5)
    const size = sizeOf(own)
    const scaleAt = broadcastWalk(scale.dims, own)
    const result = context.zeros(x.dtype, x.dims)
    for (let start = 0; start < x.data.length; start += size) {
      let squares = 0
      for (let i = 0; i < size; i++) squares += (x.data[start + i] as number) ** 2
      const factor = 1 / Math.sqrt(squares / size + epsilon)
      for (let i = 0; i < size; i++) {
        result.data[start + i] = (x.data[start + i] as number) * factor * (scale.data[scaleAt[i] as number] as number)
      }
    }
    return [result]
  },
  read: LayerNormalization.read as NonNullable<Op['read']>,
}

/** The same as onnxruntime's optimizer writes it, into any opset. */
export const SimplifiedLayerNormalization: Op = { ...RMSNormalization, name: 'SimplifiedLayerNormalization', since: 7 }

/** Shapes of what is normalized with a scale and a bias of each channel: x [batch, channels, spatial…]. */
function inferByChannel(inputs: Parameters<Op['infer']>[0]): ReturnType<Op['infer']> {
  const x = operand(inputs, 0)
  return [{ dtype: sameType(x, operand(inputs, 1), operand(inputs, 2)), dims: dimsOf(x) }]
}

/** Like layer normalization, over the channels of a group and their spatial axes. */
export const GroupNormalization: Op = {
  name: 'GroupNormalization',
  since: 21,
  infer: inferByChannel,
  run(inputs, attributes, context) {
    const [x, scale, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)]
    const epsilon = intOf(attributes, 'epsilon', 1e-5)
    const channels = x.dims[1] as number
    const space = sizeOf(x.dims.slice(2))
    const size = (channels / intOf(attributes, 'num_groups', channels)) * space
    const result = context.zeros(x.dtype, x.dims)
    for (let start = 0; start < x.data.length; start += size) {
      const line = x.data.subarray(start, start + size)
      let sum = 0
      for (const element of line) sum += element
      const middle = sum / size
      let squares = 0
      for (const element of line) squares += (element - middle) ** 2
      const factor = 1 / Math.sqrt(squares / size + epsilon)
      for (let i = 0; i < size; i++) {
        const channel = Math.floor((start + i) / space) % channels
        const scaled = ((line[i] as number) - middle) * factor * (scale.data[channel] as number)
        result.data[start + i] = scaled + (bias.data[channel] as number)
      }
    }
    return [result]
  },
  // Before opset 21 scale and bias are those of groups.
  read: ({ inputs, attributes }, opset) =>
    opset < 21
      ? undefined
      : {
          inputs,
          attributes: { num_groups: attributes.num_groups, epsilon: intOf(attributes, 'epsilon', 1e-5) },
        },
}

/** Over the spatial axes of each channel, which is a group of its own. */
export const InstanceNormalization: Op = {
  name: 'InstanceNormalization',
  infer: inferByChannel,
  run: GroupNormalization.run as NonNullable<Op['run']>,
  read: ({ inputs, attributes }) => ({ inputs, attributes: { epsilon: intOf(attributes, 'epsilon', 1e-5) } }),
}

/** x divided by the sum of its absolute values (`p` 1) or its Euclidean length (`p` 2) along one axis; 0 where that is 0. */
export const LpNormalization: Op = {
  name: 'LpNormalization',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    if (x.hasShape) frontAxis(intOf(attributes, 'axis', -1), x.rank)
    return [{ dtype: x.dtype, dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const axis = frontAxis(intOf(attributes, 'axis', -1), x.dims.length)
    const p = intOf(attributes, 'p', 2)
    const size = x.dims[axis] as number
    const inner = sizeOf(x.dims.slice(axis + 1))
    const result = context.zeros(x.dtype, x.dims)
    for (let start = 0; start < x.data.length; start += size * inner) {
      for (let column = start; column < start + inner; column++) {
        let sum = 0
        for (let i = 0; i < size; i++) sum += Math.abs(x.data[column + i * inner] as number) ** p
        const length = sum ** (1 / p)
        for (let i = 0; i < size; i++) {
          const at = column + i * inner
          result.data[at] = length === 0 ? 0 : (x.data[at] as number) / length
        }
      }
    }
    return [result]
  },
  read: ({ inputs: [x], attributes }) =>
    x && {
      inputs: [x],
      attributes: {
        axis: x.hasShape ? frontAxis(intOf(attributes, 'axis', -1), x.rank) : intOf(attributes, 'axis', -1),
        p: intOf(attributes, 'p', 2),
      },
    },
}

/** Layer normalization over the last axis; scale and bias have its size. */
export function layerNormalization(x: Tensor, scale: Tensor, bias: Tensor | undefined, epsilon: number): Tensor {
  return applyOne(LayerNormalization, bias === undefined ? [x, scale] : [x, scale, bias], { axis: x.rank - 1, epsilon })
}

import type { DType } from '../array.ts'
import type { Op, Value } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { Conv, convDims } from './conv.ts'
import { at } from './kernels.ts'
import { multiply, productDims } from './matmul.ts'
import { frontAxis, operand } from './operands.ts'
import { roundToEven } from './rounding.ts'
import { dimsOf } from './sizes.ts'
import { around } from './strides.ts'

const ranges: Partial<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
}

/** x / scale + zero point, rounded (halves to even) and saturated. One scale, or one per slice of `axis`. */
export const QuantizeLinear: Op = {
  name: 'QuantizeLinear',
  since: 10,
  infer(inputs) {
    return [{ dtype: inputs[2]?.dtype ?? 'uint8', dims: dimsOf(operand(inputs, 0)) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const dtype = inputs[2]?.dtype ?? 'uint8'
    const [low, high] = ranges[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    const result = context.zeros(dtype, x.dims)
    const parameter = parameters(x, at(inputs, 1), attributes.axis as number | undefined)
    for (let i = 0; i < x.data.length; i++) {
      const at = parameter(i)
      // the division is one in single precision
      const scaled = Math.fround((x.data[i] as number) / (inputs[1]?.data[at] as number))
      result.data[i] = Math.min(high, Math.max(low, roundToEven(scaled) + (inputs[2]?.data[at] ?? 0)))
    }
    return [result]
  },
}

/** (x − zero point) · scale. */
export const DequantizeLinear: Op = {
  name: 'DequantizeLinear',
  since: 10,
  infer(inputs) {
    return [{ dtype: operand(inputs, 1).dtype, dims: dimsOf(operand(inputs, 0)) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const scale = at(inputs, 1)
    const result = context.zeros(scale.dtype, x.dims)
    const parameter = parameters(x, scale, attributes.axis as number | undefined)
    for (let i = 0; i < x.data.length; i++) {
      const at = parameter(i)
      result.data[i] = ((x.data[i] as number) - (inputs[2]?.data[at] ?? 0)) * (scale.data[at] as number)
    }
    return [result]
  },
}

function parameters(x: Value, scale: Value, axis = 1): (i: number) => number {
  if (scale.data.length === 1) return () => 0
  const { size, inner } = around(x.dims, frontAxis(axis, x.dims.length))
  if (scale.data.length !== size) throw new ShapeProblem(`has ${scale.data.length} scales for an axis of ${size}`)
  return (i) => Math.floor(i / inner) % size
}

/** uint8 form of x with scale and zero point from its own range. */
export const DynamicQuantizeLinear: Op = {
  name: 'DynamicQuantizeLinear',
  since: 11,
  infer(inputs) {
    return [
      { dtype: 'uint8', dims: dimsOf(operand(inputs, 0)) },
      { dtype: 'float32', dims: [] },
      { dtype: 'uint8', dims: [] },
    ]
  },
  run(inputs, _, context) {
    const x = at(inputs, 0)
    const result = context.zeros('uint8', x.dims)
    const scale = context.zeros('float32', [])
    const zero = context.zeros('uint8', [])
    let low = 0
    let high = 0
    for (const element of x.data) {
      low = Math.min(low, element)
      high = Math.max(high, element)
    }
    const step = high === low ? 1 : Math.fround(Math.fround(high - low) / 255)
    const shift = Math.min(255, Math.max(0, roundToEven(Math.fround(-low / step))))
    scale.data[0] = step
    zero.data[0] = shift
    for (let i = 0; i < x.data.length; i++) {
      const scaled = roundToEven(Math.fround((x.data[i] as number) / step)) + shift
      result.data[i] = Math.min(255, Math.max(0, scaled))
    }
    return [result, scale, zero]
  },
}

/** Matrix product of 8-bit integers less their zero points, as int32. */
export const MatMulInteger: Op = {
  name: 'MatMulInteger',
  since: 10,
  infer: (inputs) => [{ dtype: 'int32', dims: productDims(dimsOf(operand(inputs, 0)), dimsOf(operand(inputs, 1))) }],
  run(inputs, _, context) {
    const a = centered(at(inputs, 0), inputs[2], 'row')
    const b = centered(at(inputs, 1), inputs[3], 'column')
    return [multiply(a, b, context)]
  },
}

function centered(x: Value, zero: Value | undefined, per: 'row' | 'column'): Value {
  const columns = x.dims.at(-1) ?? 1
  const data = Float64Array.from(x.data, (element, i) => {
    const at = zero === undefined || zero.data.length === 1 ? 0 : per === 'row' ? Math.floor(i / columns) : i % columns
    return element - (zero?.data[at % zero.data.length] ?? 0)
  })
  return { dtype: 'int32', dims: x.dims, data }
}

/** Convolution of 8-bit integers less their zero points, as int32. */
export const ConvInteger: Op = {
  name: 'ConvInteger',
  since: 10,
  infer: (inputs, attributes) => [
    { dtype: 'int32', dims: convDims(operand(inputs, 0), operand(inputs, 1) as Tensor, attributes) },
  ],
  run(inputs, attributes, context) {
    const x = centered(at(inputs, 0), inputs[2], 'row')
    return Conv.run([x, centered(at(inputs, 1), inputs[3], 'row')], attributes, context)
  },
  read: Conv.read as NonNullable<Op['read']>,
}

import { add, cast, mul, type Tensor } from '@tp/core'
import { apply, operators } from '@tp/core/expression'
import type { Meaning } from './fused-operator.ts'

/** com.microsoft.MatMulIntegerToFloat: A and B of 8 bits, scales of both, zero points of both, bias. */
export const matMulIntegerToFloat: Meaning = ({ inputs }) => {
  const [a, b, scale, weightScale, zero, weightZero, bias] = inputs
  if (!a || !b || !scale || !weightScale) return undefined
  return product({ a, b, scale, weightScale, zero, weightZero, bias })
}

/** com.microsoft.DynamicQuantizeMatMul: A in floats, B of 8 bits, its scale and zero point, bias. */
export const dynamicQuantizeMatMul: Meaning = ({ inputs }) => {
  const [x, b, weightScale, weightZero, bias] = inputs
  const quantize = operators.get('DynamicQuantizeLinear')
  if (!x || !b || !weightScale || quantize === undefined) return undefined
  const [a, scale, zero] = apply(quantize, [x]) as [Tensor, Tensor, Tensor]
  return product({ a, b, scale, weightScale, zero, weightZero, bias })
}

interface Operands {
  readonly a: Tensor
  readonly b: Tensor
  readonly scale: Tensor
  readonly weightScale: Tensor
  readonly zero: Tensor | undefined
  readonly weightZero: Tensor | undefined
  readonly bias: Tensor | undefined
}

function product({ a, b, scale, weightScale, zero, weightZero, bias }: Operands): { outputs: [Tensor] } | undefined {
  const integers = operators.get('MatMulInteger')
  if (integers === undefined) return undefined
  const [sums] = apply(integers, [a, b, zero, weightZero]) as [Tensor]
  const scaled = mul(cast(sums, scale.dtype), mul(scale, weightScale))
  return { outputs: [bias === undefined ? scaled : add(scaled, bias)] }
}

import { add, cast, mul, slice, type Tensor } from '@tp/core'
import { apply, operators } from '@tp/core/expression'
import { attendProjected, projectionParts } from './attention.ts'
import type { Meaning } from './fused-operator.ts'

/**
 * com.microsoft.QAttention: x 8 bit [b,n,D], weight 8 bit [D,3·h·d], bias, scales of both, mask, zero points of both,
 * past. The products are those of MatMulInteger, exactly.
 */
export const qAttention: Meaning = (node) => {
  const [x, weight, bias, scale, weightScale, , zero, weightZero] = node.inputs
  const parts = weight && projectionParts(node, weight)
  const product = operators.get('MatMulInteger')
  if (!x || !weight || !bias || !scale || !weightScale || parts === undefined || product === undefined) return undefined
  const [query, key, value] = parts.map(([start, end]) => {
    // One number for the whole weight, or one for each column.
    const columns = (y: Tensor, axis = 0): Tensor =>
      y.rank > axis && y.dims[axis] !== 1 ? slice(y, { axis, start, end }) : y
    const zeros = [zero, weightZero && columns(weightZero)]
    const [sums] = apply(product, [x, columns(weight, 1), ...zeros])
    const unscaled = cast(sums as Tensor, scale.dtype)
    return add(mul(unscaled, mul(scale, columns(weightScale))), columns(bias))
  }) as [Tensor, Tensor, Tensor]
  return attendProjected(node, { query, key, value, positions: { mask: 5, past: 8 } })
}

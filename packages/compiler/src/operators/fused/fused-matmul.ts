import { matmul, mul, swapLast, type Tensor, transpose } from '@tp/core'
import type { Attributes } from '@tp/core/expression'
import { type Meaning, numberOf } from './fused-operator.ts'

/** com.microsoft.FusedMatMul: alpha · A′B′, both laid out as the attributes say. */
export const fusedMatMul: Meaning = ({ inputs: [a, b], attributes }) => {
  if (a?.hasShape !== true || b?.hasShape !== true) return undefined
  const product = matmul(laidOut(a, attributes, 'A'), laidOut(b, attributes, 'B'))
  const alpha = numberOf(attributes, 'alpha', 1)
  return { outputs: [alpha === 1 ? product : mul(product, alpha)] }
}

/** `transBatch` moves the first axis to the last but one, `trans` exchanges the last two then. */
function laidOut(x: Tensor, attributes: Attributes, operand: 'A' | 'B'): Tensor {
  const says = (name: string): boolean => x.rank > 1 && numberOf(attributes, `${name}${operand}`, 0) !== 0
  const last = x.rank - 1
  const inner = Array.from({ length: last - 1 }, (_, i) => i + 1)
  const matrices = says('transBatch') ? transpose(x, [...inner, 0, last]) : x
  return says('trans') ? swapLast(matrices) : matrices
}

import { add, type Tensor } from '@tp/core'
import type { Meaning } from './fused-operator.ts'

/** Sum of any number of operands: in pairs, so that a residual is found among them. */
export const sum: Meaning = ({ inputs }) => {
  const [first, second, ...rest] = inputs.filter((x): x is Tensor => x?.hasShape === true)
  if (first === undefined || second === undefined || rest.length + 2 < inputs.length) return undefined
  return { outputs: [rest.reduce(add, add(first, second))] }
}

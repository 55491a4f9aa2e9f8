import { axisSize, constant, type DType, greaterOrEqual, range, squeeze, type Tensor, unsqueeze, where } from '@tp/core'
import type { FusedNode } from './fused-operator.ts'

export interface Causal {
  /** Inputs whose last axis but one counts queries and keys. */
  readonly queries: Tensor
  readonly keys: Tensor
  /** Type of the scores. */
  readonly dtype: DType
  /** The term that is added to the score of a later key. */
  readonly hidden: number
}

/** A bias [q,k] that hides later keys from earlier queries. The operator makes it itself, from the positions of its inputs. */
export function causalBias(node: FusedNode, { queries, keys, dtype, hidden }: Causal): Tensor {
  const positions = (x: Tensor): Tensor => range(0, squeeze(axisSize(x, x.rank - 2), [0]))
  const sees = greaterOrEqual(unsqueeze(positions(queries), 1), unsqueeze(positions(keys), 0))
  const bias = where(sees, constant(0, dtype), constant(hidden, dtype))
  const sizes = `${queries.dims.at(-2)} × ${keys.dims.at(-2)}`
  return node.shared(`causal ${sizes} hidden by ${hidden} in ${dtype}`, bias, () => undefined)
}

import { axisSize, expand, type Tensor } from '@tp/core'
import type { FittedInput } from './fused-operator.ts'

/**
 * Attention operators want a row of the mask (input `mask`) for every query (counted by input 0), even where all rows
 * are the same and a cut has kept only one of them.
 */
export function forEveryQuery(mask: number): FittedInput {
  return (inputs) => {
    const [query, bias] = [inputs[0], inputs[mask]]
    const count = query?.dims.at(-2)
    if (query === undefined || bias === undefined || count === 1 || bias.dims.at(-2) !== 1) return undefined
    const ones = (length: number): number[] => Array.from({ length }, () => 1)
    const rows = [...ones(bias.rank - 2), axisSize(query, query.rank - 2), 1] as (number | Tensor)[]
    return { index: mask, value: expand(bias, rows), key: `for ${count} queries` }
  }
}

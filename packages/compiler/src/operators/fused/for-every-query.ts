import { axisSize, expand, type Tensor } from '@tp/core'
import type { FittedInput } from './fused-operator.ts'

/**
 * Attention operators want a row of the mask (input `mask`) for every query (counted by input 0), and in it an entry for every key (counted by
 * input `keys`), even where all rows or entries are the same and a cut has kept only one of them.
 */
export function forEveryQuery(mask: number, keys: number): FittedInput {
  return (inputs) => {
    const bias = inputs[mask]
    if (bias === undefined) return undefined
    const [queries, entries] = [missing(bias, -2, inputs[0]), missing(bias, -1, inputs[keys])]
    if (queries === undefined && entries === undefined) return undefined
    const ones = Array.from({ length: bias.rank - 2 }, () => 1)
    const size = (x: Tensor | undefined): Tensor | number => (x === undefined ? 1 : axisSize(x, x.rank - 2))
    const key = `for ${queries?.dims.at(-2)} queries, ${entries?.dims.at(-2)} keys`
    return { index: mask, value: expand(bias, [...ones, size(queries), size(entries)]), key }
  }
}

/** The value that counts the tokens along an axis of the mask that has only one for all of them. */
function missing(bias: Tensor, axis: number, tokens: Tensor | undefined): Tensor | undefined {
  // Packed queries, keys and values have their tokens on another axis.
  const isOne = tokens === undefined || tokens.rank > 4 || tokens.dims.at(-2) === 1
  return bias.dims.at(axis) === 1 && !isOne ? tokens : undefined
}

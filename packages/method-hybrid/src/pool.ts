import {
  add,
  and,
  argMax,
  cast,
  checkOptions,
  div,
  equal,
  floor,
  gatherND,
  greater,
  type Method,
  mul,
  type NoOptions,
  neg,
  ranks,
  sqrt,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { freeTokens } from './added-one-by-one.ts'
import { isOdd } from './counts.ts'

/** Grids have at most 2¹⁰ columns. */
const BITS = 10

/**
 * Averages neighboring patches, like an image of less resolution: what choosing tokens has to beat.
 *
 *   Patches are taken as a square grid, and numbered along Morton's curve, which visits squares of 2 × 2, 4 × 4, … one after the other:
 *   z_i = rank of Σ_b 4ᵇ (bit b of the column + 2 · bit b of the row)                                        [B,N]
 *   K groups of consecutive numbers, ⌊z_i K / N⌋, become their mean: with K = N/4 squares of 2 × 2, with N/2 pairs
 *
 * It needs a number of tokens: keep, tokens or remove. Protected tokens are kept, and have no part in it.
 */
export function pool(options: NoOptions = {}): Method {
  checkOptions('pool', {}, options)
  return Object.freeze<Method>({
    name: 'pool',
    family: 'baseline',
    reduce(site) {
      const { attended, protectedTokens, index, ordinal, budget } = site
      if (budget === undefined) return { keep: attended }
      const { free, count } = freeTokens('pool', site)
      const all = sum(cast(free, 'float32'), 1, { keepDims: true }) // [B,1]
      const patch = sub(ordinal, sum(cast(protectedTokens, 'float32'), 1, { keepDims: true }))
      const number = ranks(site, neg(alongMorton(patch, neg(floor(neg(sqrt(all)))))), free)
      const groupOf = (z: Tensor): Tensor => floor(div(mul(z, count), all))
      const group = groupOf(number)
      const isFirst = and(free, greater(group, groupOf(sub(number, 1))))
      const leads = and(unsqueeze(isFirst, 1), equal(unsqueeze(group, 2), unsqueeze(group, 1))) // [B,N,N]
      const into = gatherND(index, argMax(cast(leads, 'float32'), 2, { keepDims: true }), 1)
      return { keep: budget.select(cast(isFirst, 'float32')), into }
    },
  })
}

/** Indices [B,N] of a grid with `width` [B,1] columns → numbers that grow along the curve. */
function alongMorton(patch: Tensor, width: Tensor): Tensor {
  const row = floor(div(patch, width))
  const column = sub(patch, mul(row, width))
  let code = mul(patch, 0)
  for (let bit = 0; bit < BITS; bit++) {
    const bitOf = (x: Tensor): Tensor => cast(isOdd(floor(div(x, 2 ** bit))), 'float32')
    code = add(code, mul(add(bitOf(column), mul(bitOf(row), 2)), 4 ** bit))
  }
  return code
}

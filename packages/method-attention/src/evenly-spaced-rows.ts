import {
  axisSize,
  cast,
  ceil,
  cumSum,
  div,
  greater,
  minimum,
  mul,
  type Site,
  sub,
  sum,
  type Tensor,
  topK,
  unsqueeze,
} from '@tp/core'

/** Some of the query rows, standing for all of them. */
export interface QueryRows {
  /** int64 [B,Q] tokens of which the query is looked at, ascending; examples short of tokens are padded */
  readonly rows: Tensor
  /** float [B,Q] weight of each, 0 for fillers; they add up to 1 */
  readonly weight: Tensor
}

/**
 * Up to `queries` attended tokens of each row, evenly spaced: of n, those with the ordinals (among the attended ones; in a causal encoder from
 * the end) i·n div Q for i < Q. Neither batch nor padding matters, wherever the padding stands.
 */
export function evenlySpacedRows(site: Site, queries: number): QueryRows {
  const attended = cast(site.attended, 'float32')
  const ordinal = cumSum(attended, 1, { reverse: site.isCausal }) // 1, 2, 3, … over the attended tokens
  const count = unsqueeze(site.count, 1)
  // How many i have i·n div Q < ordinal: ⌈ordinal·Q/n⌉. Half a step off, no rounding of the quotient can reach an integer.
  const before = (x: Tensor): Tensor => ceil(div(sub(mul(x, queries), 0.5), count))
  const isChosen = greater(before(ordinal), before(sub(ordinal, 1)))
  const chosen = mul(cast(isChosen, 'float32'), attended)
  const { values, indices } = topK(chosen, minimum(axisSize(attended, 1), queries), { axis: 1 })
  return { rows: indices, weight: div(values, sum(values, 1, { keepDims: true })) }
}

import {
  add,
  axisSize,
  gatherND,
  greaterOrEqual,
  matmul,
  maximum,
  mul,
  pad,
  reshape,
  slice,
  sub,
  sum,
  swapLast,
  type Tensor,
  topK,
  unsqueeze,
  where,
} from '@tp/core'

/** The partners of the unprotected tokens with even indices, A of them. */
export interface PartnersInOrder {
  /** float [B,A,1]: cosine; below −1 without a partner */
  readonly similarity: Tensor
  /** float [B,A,1]: index of the partner */
  readonly partner: Tensor
  /** x [B,A,1] → [B,N]: each number at its token, `others` at all other tokens */
  spread(x: Tensor, others: number): Tensor
}

/**
 * For each token with an even index the most similar one with an odd index, of equals the first. The `leading` first tokens
 * have no part. unit [B,N,C] of length 1; index float [B,N]. `neighbors`: a partner stands next to its token.
 */
export function partnersInOrder(
  unit: Tensor,
  index: Tensor,
  leading: number,
  { neighbors = false }: { readonly neighbors?: boolean } = {},
): PartnersInOrder {
  const even = leading + (leading % 2)
  const spread = (x: Tensor, others: number): Tensor => {
    const inPairs = pad(x, [0, even / 2, 0, 0, 0, 1], others) // [B,·,2]
    return slice(reshape(inPairs, [0, -1]), { axis: 1, start: 0, end: axisSize(index, 1) })
  }
  const pairs = neighbors ? nextTo(unit, index, leading, even) : anywhere(unit, index, leading, even)
  return { ...pairs, spread }
}

type Partners = Pick<PartnersInOrder, 'similarity' | 'partner'>

function anywhere(unit: Tensor, index: Tensor, leading: number, even: number): Partners {
  const odd = leading + 1 - (leading % 2)
  const cosines = matmul(alternate(unit, even), swapLast(alternate(unit, odd))) // [B,A,·]
  // An index that is not a token: the odd ones may be empty, and an empty list has no largest element.
  const some = pad(cosines, [0, 0, 0, 0, 0, 1], NONE)
  const best = topK(some, 1, { axis: 2 })
  // Looked up and not cast: integers of 64 bits can only be indices on a GPU.
  const ordinal = gatherND(unsqueeze(index, 2), best.indices, 1)
  return { similarity: best.values, partner: add(mul(ordinal, 2), odd) }
}

function nextTo(unit: Tensor, index: Tensor, leading: number, even: number): Partners {
  const free = slice(unit, { axis: 1, start: leading })
  const toNext = sum(mul(slice(free, { axis: 1, start: 0, end: -1 }), slice(free, { axis: 1, start: 1 })), 2, {
    keepDims: true,
  })
  const before = alternate(pad(toNext, [0, 1, 0, 0, 0, 0], NONE), even - leading)
  const after = alternate(pad(toNext, [0, 0, 0, 0, 1, 0], NONE), even - leading)
  const own = alternate(unsqueeze(index, 2), even)
  return {
    similarity: maximum(before, after),
    partner: where(greaterOrEqual(before, after), sub(own, 1), add(own, 1)),
  }
}

/** Every second of axis 1. */
function alternate(x: Tensor, start: number): Tensor {
  return slice(x, { axis: 1, start, step: 2 })
}

/** Well below any cosine. */
const NONE = -4

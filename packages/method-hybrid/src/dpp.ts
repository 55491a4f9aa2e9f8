import {
  cast,
  checkOptions,
  cosinesOf,
  div,
  equal,
  greater,
  maximum,
  mul,
  type NoOptions,
  type Scorer,
  scorer,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { addedOneByOne, freeTokens } from './added-one-by-one.ts'

/** A vector of which less is left, squared, counts as spanned: differences there would be rounding. */
const SPANNED = 1e-3

/**
 * Keeps the tokens whose determinant of cosines is largest: a greedy solution of the determinantal point process.
 *
 *   L_ij = cos(x_i, x_j)                                                            [B,N,D] → [B,N,N]
 *   until there are enough:  j = argmax_i L_ii of those that are not chosen;   L ← L − L_·j L_j· / L_jj
 *
 * The first token that may be pruned is chosen first, since all L_ii are 1 then. L_ii is the square of what is left of token i outside the
 * span of those that were chosen. Where nothing is left (more tokens than features), the first of the others are chosen. Protected tokens are
 * kept, and have no part in it. It needs a number of tokens: keep, tokens or remove. The loop has a step for each token that is kept, which
 * updates L whole, and so costs N².
 *
 * CDPruner (Zhang et al., NeurIPS 2025, arXiv:2506.10967, section 3.2) without its relevance to the text of a prompt, which a vision
 * encoder does not see: all relevances are 1.
 *
 * Differs from the published code: there rounding decides the first token, and tokens without a remainder are divided by
 * rounding errors; here a remainder below a thousandth counts as none.
 */
export function dpp(options: NoOptions = {}): Scorer {
  checkOptions('dpp', {}, options)
  return scorer({
    name: 'dpp',
    family: 'hybrid',
    paper: {
      title: 'Beyond Attention or Similarity: Maximizing Conditional Diversity for Token Pruning in MLLMs',
      arxiv: '2506.10967',
    },
    signed: true,
    score(site) {
      const tokens = freeTokens('dpp', site)
      const kernel = cosinesOf(site.hidden)
      const { index } = site
      const isSame = cast(equal(unsqueeze(index, 2), unsqueeze(index, 1)), 'float32')
      const left = (rest: Tensor): Tensor => maximum(sum(mul(rest, isSame), 2), SPANNED)
      return addedOneByOne(tokens, site, {
        first: mul(index, 0),
        state: [kernel],
        next([state], { at, rowOf }) {
          const rest = state as Tensor
          const pivot = at(left(rest))
          const row = where(greater(pivot, SPANNED), rowOf(rest), 0) // [B,N]
          return [sub(rest, mul(unsqueeze(div(row, pivot), 2), unsqueeze(row, 1)))]
        },
        gain: ([rest]) => left(rest as Tensor),
      })
    },
  })
}

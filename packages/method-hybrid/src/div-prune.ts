import {
  add,
  and,
  checkOptions,
  cosinesOf,
  equal,
  min,
  minimum,
  mul,
  type NoOptions,
  not,
  type Scorer,
  scorer,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { addedOneByOne, freeTokens } from './added-one-by-one.ts'

/** Farther than any two tokens are from each other: distances are 0 to 2. */
const FAR = 9

/**
 * Keeps tokens that are far from each other: a greedy solution of the max–min diversity problem.
 *
 *   d_ij = 1 − cos(x_i, x_j)                                                        [B,N,D] → [B,N,N]
 *   first:  argmax_i min_{j≠i} d_ij;   then, until there are enough:  argmax_i min_{j chosen} d_ij
 *
 * The distance is that of the hidden states. Protected tokens are kept, and have no part in it. It needs a number of tokens:
 * keep, tokens or remove.
 *
 * Reads no attention, so that image tokens of a vision-language model can be chosen by it, as published. The loop has a step for each token that is
 * kept. DivPrune (Alvar et al., CVPR 2025, arXiv:2503.02175, algorithm 1).
 */
export function divPrune(options: NoOptions = {}): Scorer {
  checkOptions('div-prune', {}, options)
  return scorer({
    name: 'div-prune',
    family: 'hybrid',
    paper: {
      title: 'DivPrune: Diversity-based Visual Token Pruning for Large Multimodal Models',
      arxiv: '2503.02175',
    },
    signed: true,
    score(site) {
      const tokens = freeTokens('div-prune', site)
      const { index } = site
      const distance = sub(1, cosinesOf(site.hidden))
      const others = and(unsqueeze(tokens.free, 1), not(equal(unsqueeze(index, 2), unsqueeze(index, 1))))
      return addedOneByOne(tokens, site, {
        first: min(where(others, distance, FAR), 2),
        state: [add(mul(index, 0), FAR)],
        next: ([far], { rowOf }) => [minimum(far as Tensor, rowOf(distance))],
        gain: ([far]) => far as Tensor,
      })
    },
  })
}

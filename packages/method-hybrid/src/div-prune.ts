import {
  add,
  and,
  argMax,
  cast,
  checkOptions,
  countedAmounts,
  equal,
  gatherND,
  iterate,
  matmul,
  max,
  maximum,
  min,
  minimum,
  type NoOptions,
  neg,
  not,
  type Scorer,
  scorer,
  squeeze,
  sub,
  sum,
  swapLast,
  type Tensor,
  TpError,
  unitVectors,
  unsqueeze,
  where,
} from '@tp/core'

/** Farther than any two tokens are from each other: distances are 0 to 2. */
const FAR = 9
/** More than there are tokens. */
const UNRANKED = 1e6

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
    score({ hidden, attended, protectedTokens, index, budget }) {
      if (budget?.keep === undefined) {
        throw new TpError('TP_SCHEDULE', 'div-prune', `it adds tokens up to a number; give ${countedAmounts()}`)
      }
      const unit = unitVectors(hidden)
      const distance = sub(1, matmul(unit, swapLast(unit)))
      const free = and(attended, not(protectedTokens))
      // how many of each row, [B,1]
      const count = sub(unsqueeze(budget.keep, 1), sum(cast(protectedTokens, 'float32'), 1, { keepDims: true }))
      const others = and(unsqueeze(free, 1), not(equal(unsqueeze(index, 2), unsqueeze(index, 1))))
      const toNearest = min(where(others, distance, FAR), 2)
      const choose = (open: Tensor, far: Tensor): { distances: Tensor; isIt: Tensor } => {
        const best = unsqueeze(argMax(where(open, far, -1), 1, { keepDims: true }), 2) // int64 [B,1,1]
        return { distances: squeeze(gatherND(distance, best, 1), 1), isIt: equal(index, gatherND(index, best, 1)) }
      }
      const first = choose(free, toNearest)
      const ranked = where(first.isIt, 0, UNRANKED)
      const steps = cast(sub(max(count, [0, 1]), 1), 'int64')
      const [, rank = ranked] = iterate(steps, [first.distances, ranked], ([far = ranked, before = ranked], step) => {
        const { distances, isIt } = choose(and(free, equal(before, UNRANKED)), far)
        const now = where(isIt, add(cast(step, 'float32'), 1), UNRANKED)
        return [minimum(far, distances), minimum(before, now)]
      })
      // Longer examples of the batch go on; further steps do not affect shorter ones.
      return neg(minimum(rank, maximum(count, 0)))
    },
  })
}

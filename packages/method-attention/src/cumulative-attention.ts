import { add, checkOptions, type Method, mul, type NoOptions, type Tensor, unsqueeze } from '@tp/core'

/**
 * Keeps the tokens that have received most attention in all layers so far.
 *
 *   importance_j ← importance_j + Σ_i mean over heads of A_ij, over the attended query rows i          [B,N]
 *
 * Layers that drop nothing count, too. Cascade token pruning of SpAtten (Wang et al., HPCA 2021, arXiv:2012.09852,
 * algorithm 2), which sums over heads: the same order.
 *
 * Differs from the published code, which does not accumulate over layers and ranks in each head separately; here importance
 * adds up over both, as in the paper.
 */
export function cumulativeAttention(options: NoOptions = {}): Method {
  checkOptions('cumulative-attention', {}, options)
  return Object.freeze<Method>({
    name: 'cumulative-attention',
    family: 'attention',
    paper: {
      title: 'SpAtten: Efficient Sparse Attention Architecture with Cascade Token and Head Pruning',
      arxiv: '2012.09852',
    },
    carry: { importance: { dims: ['N'], init: 0 } },
    reduce(site) {
      const columnSum = mul(site.received, unsqueeze(site.count, 1))
      const importance = add(site.carried.importance as Tensor, columnSum)
      return { keep: site.budget?.select(importance) ?? site.attended, carry: { importance } }
    },
  })
}

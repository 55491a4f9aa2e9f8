import {
  add,
  checkOptions,
  div,
  log,
  maximum,
  mul,
  type NoOptions,
  type Recipe,
  type Scorer,
  type SoftSite,
  scorer,
  sqrt,
  squeeze,
  sub,
  sum,
  type Tensor,
  tokenScore,
  tokenScoreParams,
  where,
} from '@tp/core'

/**
 * Keeps the tokens that will count most for the answer, as a small network predicts from their states. It learns that from
 * the saliency of the dense model, whose weights are frozen and which prunes nothing meanwhile: each example goes through the model
 * and back once, for its saliency, and from then on only forward.
 *
 *   π_j = W₂ · gelu(W₁ · x_j + b₁) + b₂                                                  x [B,N,D] → π [B,N]
 *   learning: loss (1/n) Σ_j (π_j − t_j)² over the n tokens that may be pruned,
 *             t_j = (log s_j − mean) / deviation of log s over them, s the saliency                     s, t [B,N]
 *   afterwards: the tokens with the highest π are kept, as many as the schedule says
 *
 * SDTP (Tao et al., 2025, arXiv:2504.04514), which was made for decoders. Its saliency is ∂T/∂x · x at the states of each of its
 * layers; here that of the states after the first (`saliencyOf` of @tp/train), for all of them. It draws masks by
 * Gumbel-softmax while it learns. And it adds a loss of pairs in the wrong order, for squared distances of saliency itself see
 * little but an example's largest; those of its logarithm see all tokens alike.
 */
export function sdtp(options: NoOptions = {}): Scorer {
  checkOptions('sdtp', {}, options)
  return scorer({
    name: 'sdtp',
    family: 'gradient',
    paper: { title: 'Saliency-driven Dynamic Token Pruning for Large Language Models', arxiv: '2504.04514' },
    params: tokenScoreParams,
    signed: true,
    score: tokenScore,
    training: {
      saliencyAt: 'end',
      stages: [{ name: 'predict', share: 1, learns: 'method', terms: { task: 0, cost: 0 } }],
      soften: (site) => ({ kept: site.kept, losses: { saliency: distance(site, tokenScore(site)) } }),
    },
  })
}

/** float [B]: mean of (π − t)² over the tokens that may be pruned. */
function distance({ saliency, kept, protectedTokens }: SoftSite, own: Tensor): Tensor {
  const counted = where(protectedTokens, 0, kept) // [B,N]
  const count = maximum(sum(counted, 1, { keepDims: true }), 1)
  const mean = (x: Tensor): Tensor => div(sum(mul(counted, x), 1, { keepDims: true }), count) // [B,N] → [B,1]
  const size = log(maximum(saliency, 1e-6))
  const centered = sub(size, mean(size))
  const over = sub(own, div(centered, sqrt(add(mean(mul(centered, centered)), 1e-6))))
  return squeeze(mean(mul(over, over)), [1])
}

/** Long texts, on which it lost least of all methods, and scores of pairs. */
export const sdtpRecipes: readonly Recipe[] = [
  {
    ...{ inputs: ['texts'], answers: ['classes', 'scores'], layers: ['but-first'] },
    evidence: 'docs/results.md: classifiers of texts',
  },
  { inputs: ['texts'], answers: ['vectors'], layers: ['middle'], evidence: 'docs/embeddings.md' },
]

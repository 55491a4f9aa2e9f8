import { checkOptions, mean, type NoOptions, type Scorer, scorer } from '@tp/core'

/**
 * Keeps the tokens that the class token attends to most.
 *
 *   score_j = mean over heads of softmax(q_cls · Kᵀ / √headDim)_j          [B,H,N] → [B,N]
 *
 * Needs a class token. Exact for EViT's ranking (Liang et al., ICLR 2022, arXiv:2202.07800, eq. 3).
 *
 * Differs from published code that uses this score: EViT and VisionZip order kept tokens by score, and FastV ranks by the
 * first example of a batch; here each example is ranked separately.
 */
export function clsAttention(options: NoOptions = {}): Scorer {
  checkOptions('cls-attention', {}, options)
  return scorer({
    name: 'cls-attention',
    family: 'attention',
    paper: {
      title: 'Not All Patches are What You Need: Expediting Vision Transformers via Token Reorganizations',
      arxiv: '2202.07800',
    },
    score: (site) => mean(site.clsAttention, 1),
  })
}

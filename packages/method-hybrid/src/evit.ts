import { checkOptions, fuseRest, type Method, mean, type NoOptions } from '@tp/core'

/**
 * Keeps the tokens that the class token attends to most, and fuses all others into one token more.
 *
 *   score_j = mean over heads of softmax(q_cls · Kᵀ / √Dh)_j          [B,H,N] → [B,N]
 *   fused = Σ over pruned tokens of score_j · x_j                       [B,N,D] → [B,1,D]
 *
 * The sum is not divided by the scores', as in the authors' code. At later blocks the fused token competes like any other.
 * Where a model restores tokens, those that were fused come back with their own states. Needs a class token.
 * EViT (Liang et al., ICLR 2022, arXiv:2202.07800, section 3.2).
 *
 * Differs from the published code, which fuses nothing if only one patch would be fused; here one pruned token is fused like
 * any other. Its rate counts patches, here protected tokens count, too. Its fused token is last, here it is at the position of
 * the best pruned token.
 */
export function evit(options: NoOptions = {}): Method {
  checkOptions('evit', {}, options)
  return Object.freeze<Method>({
    name: 'evit',
    family: 'hybrid',
    paper: {
      title: 'Not All Patches are What You Need: Expediting Vision Transformers via Token Reorganizations',
      arxiv: '2202.07800',
    },
    reduces: 'fuse',
    reduce(site) {
      if (site.budget === undefined) return { keep: site.attended }
      const score = mean(site.clsAttention, 1)
      return { ...fuseRest(site, site.budget, score), weight: score, merge: 'sum', mass: 'none' }
    },
  })
}

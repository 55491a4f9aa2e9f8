import { checkOptions, mean, mul, type NoOptions, norm2, type Scorer, type Site, scorer, type Tensor } from '@tp/core'

/**
 * Keeps the tokens that receive much attention and have something to give for it: received attention alone cannot tell
 * a token whose value is near zero (where attention is parked) from one that changes what the others become.
 *
 *   score_j = (1/n) Σ_i mean_h A_ij · mean_h ‖v_j‖₂          [B,N]
 *
 * Value-aware token pruning (Guo et al., EMNLP 2024, arXiv:2406.12335), which was made for key-value caches: head by
 * head, and with the L1 norm. Here tokens are pruned for all heads at once, so both factors are means over heads.
 */
export function valueAware(options: NoOptions = {}): Scorer {
  checkOptions('value-aware', {}, options)
  return scorer({
    name: 'value-aware',
    family: 'attention',
    paper: {
      title:
        'Attention Score is not All You Need for Token Importance Indicator in KV Cache Reduction: Value Also Matters',
      arxiv: '2406.12335',
    },
    score: (site) => mul(site.received, valueLength(site)),
  })
}

/** mean over heads of ‖v_j‖₂          [B,H,N,Dh] → [B,N] */
export function valueLength(site: Site): Tensor {
  return mean(norm2(site.value, 3), 1)
}

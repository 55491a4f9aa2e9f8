import {
  cast,
  checkOptions,
  div,
  maximum,
  mean,
  mul,
  type NoOptions,
  neg,
  norm2,
  type Scorer,
  scorer,
  sum,
  unsqueeze,
} from '@tp/core'

/** No length is smaller. */
const LEAST = 1e-12

/**
 * Keeps the tokens whose keys point elsewhere than most: keys that are alike are attended to alike, so one of them says what the
 * others do.
 *
 *   a_h = mean over attended tokens of k_hj / ‖k_hj‖                        [B,H,headDim]
 *   score_j = −mean over heads of cos(k_hj, a_h)                            [B,N]
 *
 * Reads no attention at all, so attention remains fusable. From key-value cache compression (Park et al., 2025, arXiv:2504.15364),
 * where each head of keys chooses by itself; so it does in `press` of `@tp/compiler`. The scores may be negative, so they
 * cannot be cut by mass.
 */
export function keyDiff(options: NoOptions = {}): Scorer {
  checkOptions('key-diff', {}, options)
  return scorer({
    name: 'key-diff',
    family: 'attention',
    paper: {
      title: 'KeyDiff: Key Similarity-Based KV Cache Eviction for Long-Context LLM Inference',
      arxiv: '2504.15364',
    },
    signed: true,
    score(site) {
      const key = cast(site.key, 'float32')
      const length = maximum(norm2(key, 3, { keepDims: true }), LEAST)
      const unit = div(key, length)
      // A sum does: the length of what it is compared with does not matter.
      const anchor = sum(mul(unit, unsqueeze(cast(site.attended, 'float32'), [1, 3])), 2, { keepDims: true })
      const cosine = div(sum(mul(unit, anchor), 3), maximum(norm2(anchor, 3), LEAST))
      return neg(mean(cosine, 1))
    },
  })
}

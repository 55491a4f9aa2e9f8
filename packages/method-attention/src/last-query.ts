import { cast, checkOptions, max, mean, type NoOptions, type Scorer, scorer, squeeze, where } from '@tp/core'

/**
 * Keeps the tokens that the last one attends to most: in a decoder it is the one whose answer is read.
 *
 *   score_j = mean over heads of softmax(q_last · Kᵀ / √headDim)_j          [B,H,N] → [B,N]
 *
 * In an encoder the last token is the last real one of each example. TOVA's score (Oren et al., EMNLP 2024, arXiv:2401.06104), which
 * drops one token of a full cache at each step; here it is taken once, at the end of a prompt.
 */
export function lastQuery(options: NoOptions = {}): Scorer {
  checkOptions('last-query', {}, options)
  return scorer({
    name: 'last-query',
    family: 'attention',
    paper: { title: 'Transformers are Multi-State RNNs', arxiv: '2401.06104' },
    score(site) {
      const last = cast(max(where(site.attended, site.index, 0), 1, { keepDims: true }), 'int64')
      return mean(squeeze(site.attentionFrom(last), [2]), 1)
    },
  })
}

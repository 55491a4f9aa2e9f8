import { cast, mean, neg, norm2, type Scorer, scorer } from '@tp/core'

/**
 * Keeps the tokens with small keys: in language models a key of small norm is one that is attended to.
 *
 *   score_j = −mean over heads of ‖k_j‖          [B,H,N,headDim] → [B,N]
 *
 * Reads no attention at all, so attention stays fusable. From key-value cache compression (Devoto et al., EMNLP 2024,
 * arXiv:2406.11430); encoders need not have that property, so compare with `random` before using it. The scores are
 * negative: they can be held against a threshold, but not cut by mass.
 */
export function keyNorm(): Scorer {
  return scorer({
    name: 'key-norm',
    family: 'attention',
    paper: { title: 'A Simple and Effective L2 Norm-Based Strategy for KV Cache Compression', arxiv: '2406.11430' },
    signed: true,
    score: (site) => neg(mean(norm2(cast(site.key, 'float32'), 3), 1)),
  })
}

import { checkOptions, div, exp, type Method, mean, nearestKept, type OptionSpecs, where } from '@tp/core'

export interface TpsOptions {
  /** Cosines are divided by it (default 1). */
  readonly temperature?: number | undefined
}

export const tpsOptions: OptionSpecs = {
  temperature: { description: 'divisor of cosines', type: 'number', min: 0.01, default: 1 },
}

/**
 * Keeps the tokens that the class token attends to most, and squeezes each of the others into the most similar of them.
 *
 *   sim_i = the largest cosine of the states of i and of a kept token, / temperature       [B,N]
 *   squeezed = (e · x + Σ exp(sim_i) · x_i) / (e + Σ exp(sim_i)) over the tokens merged into it      [B,N,D] → [B,K,D]
 *
 * Needs a class token. TPS (Wei et al., CVPR 2023, arXiv:2304.10716, section 3.3), with EViT's score.
 */
export function tps(options: TpsOptions = {}): Method {
  checkOptions('tps', tpsOptions, options)
  const { temperature = 1 } = options
  return Object.freeze<Method>({
    name: 'tps',
    family: 'hybrid',
    paper: {
      title: 'Joint Token Pruning and Squeezing Towards More Aggressive Compression of Vision Transformers',
      arxiv: '2304.10716',
    },
    reduce(site) {
      if (site.budget === undefined) return { keep: site.attended }
      const keep = site.budget.select(mean(site.clsAttention, 1))
      const { nearest, similarity } = nearestKept(site, keep, site.hidden)
      return { keep, into: nearest, weight: where(keep, Math.E, exp(div(similarity, temperature))), mass: 'none' }
    },
  })
}

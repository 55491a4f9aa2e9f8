import {
  and,
  cast,
  checkOptions,
  cosinesOf,
  div,
  exp,
  greater,
  less,
  type Method,
  matmul,
  mean,
  mostSimilar,
  mul,
  not,
  type OptionSpecs,
  pow,
  ranks,
  squeeze,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { isOdd, prunedCount } from './counts.ts'

export interface PitomeOptions {
  /** Cosine from which on two tokens count as similar (default: 0.9 · (1 − layer / layers)). */
  readonly margin?: number | undefined
  /** How energy falls with the cosine, and who merges into whom, as published for vision (default) or for text. */
  readonly form?: 'vision' | 'text' | undefined
  /** Adds the logarithm of a token's size to all later scores of its key (default false). */
  readonly proportionalAttention?: boolean | undefined
}

export const pitomeOptions: OptionSpecs = {
  margin: {
    description: 'cosine from which on two tokens count as similar (default: 0.9, falling to 0 at the last layer)',
    type: 'number',
    min: -1,
    max: 1,
  },
  form: {
    description: 'the energy and the pairs published for vision or for text',
    type: 'string',
    choices: ['vision', 'text'],
    default: 'vision',
  },
  proportionalAttention: {
    description: "add the logarithm of a token's size to all later scores of its key",
    type: 'boolean',
    default: false,
  },
}

/**
 * Merges where there are many tokens alike, and protects those that stand alone.
 *
 *   c_ij = cosine of the means of the keys over heads                                      [B,N,N]
 *   vision: energy_i = mean_j (c_ij − m if c_ij ≥ m, else e^(c_ij − m) − 1)                [B,N]
 *   text:   energy_i = mean_j exp(−((1 − c_ij)/σ)²/2) / (σ √(2π)), σ = 1 − m
 *   of the 2r tokens with the highest energy r join the most similar of the other r: every second one (vision), or the
 *   r highest (text); merged = Σ size · x / Σ size
 *
 * r tokens are pruned, at most half of those that may be. Protected tokens are not merged.
 * PiToMe (Tran et al., NeurIPS 2024, arXiv:2405.16148, section 3.2), as in the authors' code.
 *
 * Differs from the published code: for text, padding takes part there in energies and merges, and its patch for BERT resets
 * sizes at each layer; here they are carried. It throws at a ratio below ½ or close to 1. Energies that differ by less than
 * 1e-6 for each position are ordered by position here. Its variant that pairs by ToMe after sorting is not built in.
 */
export function pitome(options: PitomeOptions = {}): Method {
  checkOptions('pitome', pitomeOptions, options)
  const { margin, form = 'vision', proportionalAttention = false } = options
  return Object.freeze<Method>({
    name: 'pitome',
    family: 'hybrid',
    paper: { title: 'Accelerating Transformers with Spectrum-Preserving Token Merging', arxiv: '2405.16148' },
    reduces: 'pair',
    reduce(site) {
      const { attended, protectedTokens, budget, layer, layerCount } = site
      if (budget === undefined) return { keep: attended }
      const many = prunedCount('pitome', site)
      const metric = mean(site.key, 1)
      const free = and(attended, not(protectedTokens))
      const own = energy(metric, free, margin ?? 0.9 * (1 - layer / layerCount), form)
      // the last two tokens always have the same energy: then the ordinal decides, not how a runtime rounds
      const rank = ranks(site, sub(own, mul(site.ordinal, 1e-6)), free)
      const mergeable = and(free, less(rank, mul(many, 2)))
      const isSource = form === 'text' ? less(rank, many) : not(isOdd(rank))
      const sources = and(mergeable, isSource)
      return {
        keep: budget.select(where(sources, 0, 1)),
        into: mostSimilar(site, metric, and(mergeable, not(isSource))).nearest,
        proportional: proportionalAttention,
      }
    },
  })
}

/** float [B,N]: how much each token is like the candidates, on average; itself is one of them. */
function energy(metric: Tensor, candidates: Tensor, margin: number, form: 'vision' | 'text'): Tensor {
  const cosines = cosinesOf(metric)
  const attended = cast(candidates, 'float32')
  const summed = squeeze(
    matmul(form === 'text' ? gaussian(cosines, 1 - margin) : elu(sub(cosines, margin)), unsqueeze(attended, 2)),
    2,
  )
  return div(summed, sum(attended, 1, { keepDims: true }))
}

function elu(x: Tensor): Tensor {
  return where(greater(x, 0), x, sub(exp(x), 1))
}

function gaussian(cosines: Tensor, width: number): Tensor {
  const distance = div(sub(1, cosines), width)
  return mul(exp(mul(pow(distance, 2), -0.5)), 1 / (width * Math.sqrt(2 * Math.PI)))
}

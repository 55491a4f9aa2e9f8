import {
  add,
  cast,
  checkOptions,
  clip,
  div,
  exp,
  type Learned,
  type LearnedSpec,
  log,
  maskedSoftmax,
  max,
  maximum,
  minimum,
  mul,
  type OptionSpecs,
  type Scorer,
  type Site,
  type SoftSite,
  scorer,
  squeeze,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tokenScore,
  tokenScoreParams,
  unsqueeze,
  where,
} from '@tp/core'

export interface AdaplerOptions {
  /** How steeply the mask of a token falls below the threshold while it is learned (default 10). */
  readonly steepness?: number | undefined
  /** Weight of the divergence of the contributions from the saliency (default 0.1). */
  readonly saliencyWeight?: number | undefined
}

export const adaplerOptions: OptionSpecs = {
  steepness: {
    description: 'how steeply the mask of a token falls below the threshold while it is learned',
    type: 'number',
    min: 1,
    default: 10,
  },
  saliencyWeight: {
    description: 'weight of the divergence of the contributions from the saliency',
    type: 'number',
    min: 0,
    default: 0.1,
  },
}

/** How far a token is from being kept entirely, at the threshold and above. */
const BETA = 0.1

/**
 * Drops the tokens that contribute least to the answer, as a small network says that learns this from saliency.
 *
 *   c = softmax over the tokens of W₂ · gelu(W₁ · x_j + b₁) + b₂; then c · θ for the class token, over their sum: c'
 *   learning: m_j ← m_j · exp(m_j · r_j) with δ = η/n, n = Σ_j m_j, and the soft removal                     x [B,N,D]
 *             r = min(0, (λ/δ)·(c' − δ) − β/λ, (β/λ)·(c' − 1) / (1 − δ)), β = 0.1;                           c, m, r [B,N]
 *             attention is exp(scores)·m / Σ exp(scores)·m, and c counts each token by its m
 *             loss + Σ over layers of n + γ · (layers − layer) · KL(saliency ‖ c) · max_j m_j, layers from 0
 *   afterwards: a token is kept if c'_j ≥ η/n, as the threshold η for the score n · c'_j
 *
 * AdapLeR (Modarressi et al., ACL 2022, arXiv:2203.08991). Its λ grows with every epoch, here it is one (`steepness`);
 * lengths are shares of an example's tokens. One loss trains all: in its code η and θ learn from task and lengths, the rest from
 * task and saliency. θ, one for each layer but the first, holds for all tokens that must be kept.
 *
 * The published removal works for one example at a time.
 */
export function adapler(options: AdaplerOptions = {}): Scorer {
  checkOptions('adapler', adaplerOptions, options)
  const { steepness = 10, saliencyWeight = 0.1 } = options
  return scorer({
    name: 'adapler',
    family: 'gradient',
    paper: {
      title: 'AdapLeR: Speeding up Inference by Adaptive Length Reduction',
      arxiv: '2203.08991',
    },
    site: 'input',
    params,
    score(site) {
      const attended = cast(site.attended, 'float32')
      return mul(weighted(site, contributions(site, attended)), unsqueeze(site.count, 1))
    },
    training: {
      stages: [{ name: 'all', share: 1, learns: 'all', terms: { contributions: saliencyWeight } }],
      soften(site) {
        const { kept: before, param } = site
        const own = contributions(site, before)
        const limit = div(param.eta as Tensor, maximum(sum(before, 1, { keepDims: true }), 1))
        const edit = mul(removal(weighted(site, own), limit, steepness), before)
        const kept = site.obey(exp(edit))
        const all = mul(before, kept)
        return {
          kept,
          attend: (scores) => maskedSoftmax(scores, all),
          losses: {
            regulariser: div(sum(all, 1), site.count),
            contributions: mul(divergence(site, own), site.layerCount - site.layer),
          },
        }
      },
      harden: (learned) => new Map([...learned].map(([layer, { eta }]) => [layer, threshold(eta)])),
    },
  })
}

function params(layer: number): Readonly<Record<string, LearnedSpec>> {
  return {
    ...tokenScoreParams,
    eta: { dims: [], init: 0.25, range: [0.01, 1] },
    // Nothing says at the first layer how much the class token has taken in.
    ...(layer > 0 && { theta: { dims: [], init: 1, range: [0.001, 1000] } }),
  }
}

function threshold(eta: Learned[string] | undefined) {
  return { kind: 'threshold', value: eta?.data[0] ?? 0 } as const
}

/** float [B,N]: c, of which each token has a part by how much of it is kept. kept [B,N] */
function contributions(site: Pick<Site, 'hidden' | 'param'>, kept: Tensor): Tensor {
  return squeeze(maskedSoftmax(unsqueeze(tokenScore(site), [1, 2]), kept), [1, 2])
}

/** The same with the weight θ for the tokens that must be kept, as parts of their sum again. */
function weighted({ protectedTokens, param }: Pick<Site, 'protectedTokens' | 'param'>, parts: Tensor): Tensor {
  return param.theta === undefined ? parts : normalized(where(protectedTokens, mul(parts, param.theta), parts))
}

function normalized(parts: Tensor): Tensor {
  return div(parts, maximum(sum(parts, 1, { keepDims: true }), 1e-9))
}

/** float [B,N]: what is added to the scores of a key with the part c, at the threshold δ [B,1] */
function removal(part: Tensor, limit: Tensor, steepness: number): Tensor {
  const rest = BETA / steepness
  const below = sub(mul(sub(part, limit), div(steepness, limit)), rest)
  const above = div(mul(sub(part, 1), rest), add(sub(1, limit), 1e-7))
  return maximum(minimum(minimum(below, above), 0), -10000)
}

/** float [B]: KL(saliency ‖ c); where little is left to tell apart it counts little, which is nothing to learn by. */
function divergence(site: SoftSite, own: Tensor): Tensor {
  const inRange = (parts: Tensor): Tensor => clip(parts, 1e-7, 1)
  const target = inRange(weighted(site, normalized(mul(site.saliency, site.kept))))
  const distance = sum(mul(target, sub(log(target), log(inRange(own)))), 1)
  return mul(distance, stopGradient(max(where(site.protectedTokens, 0, site.kept), 1)))
}

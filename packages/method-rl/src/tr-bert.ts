import {
  add,
  cast,
  checkOptions,
  div,
  greater,
  less,
  log,
  type Method,
  maximum,
  mul,
  neg,
  type OptionSpecs,
  ranks,
  round,
  type Site,
  type SoftSite,
  scorer,
  sigmoid,
  softmaxOfKept,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tokenScore,
  tokenScoreParams,
  where,
} from '@tp/core'
import { samplesOption } from './samples-option.ts'

export interface TrBertOptions {
  /** How often each example is tried in a step; their mean reward is what each is measured by (default 8). */
  readonly samples?: number | undefined
}

export const trBertOptions: OptionSpecs = {
  samples: samplesOption,
}

/**
 * Asks a small network at the input of a layer, for each token, whether to keep it; learned by reinforcement.
 *
 *   π = σ(W₂ gelu(W₁ h + b₁) + b₂)                                                 [B,N,D] → [B,N]
 *   learning: a token is kept with the probability π; later attention sees only those that were kept
 *     log p = mean over the tokens that were decided on of log π or log(1 − π)            [B,N] → [B]
 *     imitate: first those are to be kept that count most for the dense model's answer, round(Σ π) of them (cross-entropy)
 *     policy: then REINFORCE with the encoder still, then everything learns
 *   afterwards: a token is kept if π ≥ ½
 *
 * TR-BERT (Ye et al., NAACL 2021, arXiv:2105.11618). Examples are not padded to the longest of their batch, tokens that must
 * be kept are not decided on, and the price of tokens is that of FLOPs, not their share of a padded length.
 *
 * Differs from the published code: in a batch, pruned tokens there fill shorter examples up to the longest and remain visible;
 * here an example has the same answer by itself. The class token's action is part of the policy's loss there. Imitation is a
 * separate loss in the first stage here; there one sample in eight takes the most salient tokens. The saliency is that of
 * AdapLeR's gradients.
 */
export function trBert(options: TrBertOptions = {}): Method {
  checkOptions('tr-bert', trBertOptions, options)
  const { samples = 8 } = options
  return scorer({
    name: 'tr-bert',
    family: 'reinforcement',
    paper: { title: 'TR-BERT: Dynamic Token Reduction for Accelerating BERT Inference', arxiv: '2105.11618' },
    site: 'input',
    params: tokenScoreParams,
    score: probabilities,
    training: {
      copies: samples,
      stages: [
        { name: 'imitate', share: 1, learns: 'method', terms: { task: 0, cost: 0, policy: 0 } },
        { name: 'policy', share: 1, learns: 'method', terms: { task: 0, cost: 0, imitate: 0 } },
        { name: 'joint', share: 2, learns: 'all', terms: { cost: 0, imitate: 0 } },
      ],
      soften(site) {
        const probability = probabilities(site)
        const action = stopGradient(chosen(site, probability))
        const kept = mul(site.kept, action)
        const decided = mul(site.kept, where(site.protectedTokens, 0, 1))
        return {
          kept: action,
          attend: (scores) => softmaxOfKept(scores, kept),
          losses: { imitate: neg(logProbOf(toImitate(site, probability, decided), probability, decided)) },
          logProb: logProbOf(action, probability, decided),
        }
      },
      harden: (learned) => new Map([...learned.keys()].map((layer) => [layer, { kind: 'threshold', value: 0.5 }])),
    },
  })
}

/** π: float [B,N] */
function probabilities(site: Pick<Site, 'hidden' | 'param'>): Tensor {
  return sigmoid(tokenScore(site))
}

/** float [B,N]: 1 for the kept tokens, drawn at random; where none is drawn, the most likely token, as at a threshold. */
function chosen(site: SoftSite, probability: Tensor): Tensor {
  const { kept, noise, obey } = site
  const drawn = obey(cast(less(noise(['B', 'N']), probability), 'float32'))
  const best = obey(cast(less(ranks(site, probability, greater(kept, 0)), 1), 'float32'))
  return where(greater(sum(mul(drawn, kept), 1, { keepDims: true }), 0), drawn, best)
}

/** float [B,N]: 1 for the tokens that count most, as many as the policy would keep of those that it decides on. */
function toImitate(site: SoftSite, probability: Tensor, decided: Tensor): Tensor {
  const many = round(sum(mul(stopGradient(probability), decided), 1, { keepDims: true }))
  return cast(less(ranks(site, site.saliency, greater(decided, 0)), many), 'float32')
}

/** float [B]: mean log-probability of actions [B,N], 1 for keeping, over the tokens that are decided on [B,N]. */
function logProbOf(actions: Tensor, probability: Tensor, decided: Tensor): Tensor {
  const likely = where(greater(actions, 0), probability, sub(1, probability))
  return div(sum(mul(log(add(likely, 1e-6)), decided), 1), maximum(sum(decided, 1), 1))
}

import {
  add,
  cast,
  checkOptions,
  div,
  gelu,
  type LearnedSpec,
  layerNormalization,
  maskedSoftmax,
  matmul,
  mul,
  type OptionSpecs,
  type Scorer,
  type Site,
  scorer,
  sigmoid,
  softmax,
  squeeze,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { draw } from './draw.ts'

export interface TranskimmerOptions {
  /** While it learns, attention to the kept tokens adds up to 1, as it will when the others are removed (default true). */
  readonly renormalize?: boolean | undefined
}

export const transkimmerOptions: OptionSpecs = {
  renormalize: {
    description: 'while it learns, attention to the kept tokens adds up to 1, as it will when the others are removed',
    type: 'boolean',
    default: true,
  },
}

/** Two layers over the states of a layer's input, of the hidden size and of one number: the logit of keeping. */
const params: Readonly<Record<string, LearnedSpec>> = {
  norm1: { dims: ['D'], init: 1 },
  norm1Bias: { dims: ['D'], init: 0 },
  weight1: { dims: ['D', 'D'], init: 'glorot' },
  bias1: { dims: ['D'], init: 0 },
  norm2: { dims: ['D'], init: 1 },
  norm2Bias: { dims: ['D'], init: 0 },
  weight2: { dims: ['D', 1], init: 'glorot' },
  // 0.95 are kept at first. The published start is 10 = 5 − (−5): of 20,000 tokens one is pruned, so that there is little to
  // learn from.
  bias2: { dims: [1], init: 3 },
}

/**
 * Asks a small network before each layer which tokens are kept; it learns together with the encoder.
 *
 *   l_j = W₂ · gelu(LN(W₁ · LN(x_j) + b₁)) + b₂                                        x [B,N,D] → l [B,N]
 *   learning: m_j ← m_j · z_j, where z_j is 1 with the probability σ(l_j), else 0, with the gradient of σ(l_j + g_j)
 *             (Gumbel-softmax, g logistic); attention is exp(scores)·m / Σ exp(scores)·m; a token with m_j = 0 keeps the
 *             state that it has; loss + mean over layers of Σ_j m_j / n
 *   afterwards: a token is kept if σ(l_j) ≥ ½
 *
 * Transkimmer (Guan et al., ACL 2022, arXiv:2205.07324). Its network gives two logits, of which l is the difference. Its
 * code multiplies the probabilities and does not renormalize (`renormalize: false`), so that attention adds up to less than
 * 1 and real removal gives other answers than what was learned from; it draws at evaluation, too, and counts padding.
 *
 * Differs also in its initial values: the published ones keep all but one of 20,000 tokens, from which there is little to
 * learn; here 95 % are kept at first. Noise is drawn for one logit instead of two, with the same distribution and gradients.
 */
export function transkimmer(options: TranskimmerOptions = {}): Scorer {
  checkOptions('transkimmer', transkimmerOptions, options)
  const { renormalize = true } = options
  return scorer({
    name: 'transkimmer',
    family: 'gradient',
    paper: { title: 'Transkimmer: Transformer Learns to Layer-wise Skim', arxiv: '2205.07324' },
    site: 'input',
    params,
    score: (site) => sigmoid(logit(site)),
    training: {
      soften(site) {
        const own = site.obey(draw(logit(site), site))
        const kept = mul(site.kept, own)
        const row = unsqueeze(kept, 2)
        return {
          kept: own,
          attend: (scores) =>
            renormalize ? maskedSoftmax(scores, kept) : mul(softmax(scores), unsqueeze(kept, [1, 2])),
          output: (output, input) => add(mul(output, row), mul(input, sub(1, row))),
          losses: { regulariser: div(sum(kept, 1), mul(site.count, site.layerCount)) },
        }
      },
      harden: (learned) => new Map([...learned.keys()].map((layer) => [layer, { kind: 'threshold', value: 0.5 }])),
    },
  })
}

/** float [B,N] */
function logit({ hidden, param }: Pick<Site, 'hidden' | 'param'>): Tensor {
  const value = (name: string): Tensor => param[name] as Tensor
  const norm = (x: Tensor, name: string): Tensor => layerNormalization(x, value(name), value(`${name}Bias`), EPSILON)
  const linear = (x: Tensor, layer: 1 | 2): Tensor => add(matmul(x, value(`weight${layer}`)), value(`bias${layer}`))
  const inner = gelu(norm(linear(norm(cast(hidden, 'float32'), 'norm1'), 1), 'norm2'))
  return squeeze(linear(inner, 2), [2])
}

const EPSILON = 1e-5

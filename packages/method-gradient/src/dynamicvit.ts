import {
  add,
  cast,
  checkOptions,
  div,
  equal,
  exp,
  gelu,
  type LearnedSpec,
  layerNormalization,
  matmul,
  max,
  maximum,
  mul,
  type OptionSpecs,
  type Scorer,
  type Site,
  scorer,
  sigmoid,
  squeeze,
  stopGradient,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { draw } from './draw.ts'

export interface DynamicVitOptions {
  /** Keep ratio of each layer, of the tokens that arrive there (default 0.7). */
  readonly ratio?: number | undefined
}

export const dynamicVitOptions: OptionSpecs = {
  ratio: {
    description: 'keep ratio of each layer, of the tokens that arrive there',
    type: 'number',
    min: 0.0001,
    max: 1,
    default: 0.7,
  },
}

/** Half of the first layer says something of each token, half of all together; then two layers, down to one logit. */
const params: Readonly<Record<string, LearnedSpec>> = {
  norm: { dims: ['D'], init: 1 },
  normBias: { dims: ['D'], init: 0 },
  local: { dims: ['D', 'D/2'], init: 'glorot' },
  localBias: { dims: ['D/2'], init: 0 },
  global: { dims: ['D', 'D/2'], init: 'glorot' },
  globalBias: { dims: ['D/2'], init: 0 },
  fromLocal: { dims: ['D/2', 'D/2'], init: 'glorot' },
  fromGlobal: { dims: ['D/2', 'D/2'], init: 'glorot' },
  bias1: { dims: ['D/2'], init: 0 },
  weight2: { dims: ['D/2', 'D/4'], init: 'glorot' },
  bias2: { dims: ['D/4'], init: 0 },
  weight3: { dims: ['D/4', 1], init: 'glorot' },
  // 0.95 are kept at first: what the encoder knows is not lost before the network has learned.
  bias3: { dims: [1], init: 3 },
}

/**
 * Keeps the tokens that a small network, trained together with the encoder, holds most likely to be needed.
 *
 *   u = LN(x); g = Σ_j m_j·gelu(u_j·W_g) / Σ_j m_j over the tokens that may be pruned             x [B,N,D], m [B,N], g [B,D/2]
 *   l_j = MLP of (gelu(u_j·W_l), g), hidden sizes D/2 and D/4; s_j = σ(l_j)                                      s [B,N]
 *   learning: m_j ← m_j · z_j, where z_j is 1 with the probability s_j, else 0, with the gradient of σ(l_j + noise)
 *             (Gumbel-softmax); p_ij = (e_ij·M_ij + ε/n) / (Σ_k e_ik·M_ik + ε) with e = exp(scores − their maximum),
 *             M_ij = m_j, M_ii = 1, ε = 1e-6; loss + 2 · (Σ_j m_j/n − ratio · the same before)²
 *   afterwards: the tokens with the highest s are kept, as many as the ratio says
 *
 * DynamicViT (Rao et al., NeurIPS 2021, arXiv:2106.02034). Its network gives two logits, of which l is the difference; its
 * ratio loss is the mean over the layers at which tokens are pruned. Here ratios count the class token, and ε is shared by attended
 * tokens only. Its distillation has the divergence of the classes, not that of the tokens. The number of pruned tokens is set
 * by the ratio, not by a target for the FLOPs, which would be met by other shares than those that are kept afterwards.
 *
 * Its dynamic ratio is the whole batch's in the published code; here it is each example's.
 */
export function dynamicvit(options: DynamicVitOptions = {}): Scorer {
  checkOptions('dynamicvit', dynamicVitOptions, options)
  const { ratio = 0.7 } = options
  return scorer({
    name: 'dynamicvit',
    family: 'gradient',
    paper: {
      title: 'DynamicViT: Efficient Vision Transformers with Dynamic Token Sparsification',
      arxiv: '2106.02034',
    },
    site: 'input',
    params,
    score: (site) => sigmoid(keepLogit(site, cast(site.attended, 'float32'))),
    training: {
      stages: [{ name: 'all', share: 1, learns: 'all', terms: { ratio: 2 } }],
      soften(site) {
        const own = site.obey(draw(keepLogit(site, site.kept), site))
        const kept = mul(site.kept, own)
        const before = stopGradient(div(sum(site.kept, 1), site.count))
        return {
          kept: own,
          attend: (scores) => attendToKept(scores, kept, site),
          losses: { ratio: ratioLoss(kept, site.count, mul(before, ratio)) },
        }
      },
      harden: (learned) => new Map([...learned.keys()].map((layer) => [layer, { kind: 'ratio', value: ratio }])),
    },
  })
}

/**
 * How much the network holds each token to be needed.
 * @param kept float [B,N] 0 … 1
 * @returns float [B,N]
 */
export function keepLogit(
  { hidden, protectedTokens, param }: Pick<Site, 'hidden' | 'protectedTokens' | 'param'>,
  kept: Tensor,
): Tensor {
  const value = (name: string): Tensor => param[name] as Tensor
  const linear = (x: Tensor, weight: string, bias: string): Tensor => add(matmul(x, value(weight)), value(bias))
  const x = layerNormalization(cast(hidden, 'float32'), value('norm'), value('normBias'), 1e-5)
  const local = gelu(linear(x, 'local', 'localBias'))
  const counted = unsqueeze(where(protectedTokens, 0, kept), 1) // [B,1,N]
  const summed = matmul(counted, gelu(linear(x, 'global', 'globalBias'))) // [B,1,D/2]
  const mean = div(summed, maximum(sum(counted, 2, { keepDims: true }), EPSILON))
  const first = gelu(add(linear(local, 'fromLocal', 'bias1'), matmul(mean, value('fromGlobal'))))
  return squeeze(linear(gelu(linear(first, 'weight2', 'bias2')), 'weight3', 'bias3'), [2])
}

/** Probabilities of attention to the kept tokens and to itself. scores [B,H,N,N], kept [B,N] */
export function attendToKept(
  scores: Tensor,
  kept: Tensor,
  { index, attended, count }: Pick<Site, 'index' | 'attended' | 'count'>,
): Tensor {
  const isSelf = unsqueeze(equal(unsqueeze(index, 2), unsqueeze(index, 1)), 1)
  const seen = where(isSelf, 1, unsqueeze(kept, [1, 2]))
  const weights = mul(exp(sub(scores, max(scores, 3, { keepDims: true }))), seen)
  const shared = div(mul(cast(attended, 'float32'), EPSILON), unsqueeze(count, 1))
  return div(add(weights, unsqueeze(shared, [1, 2])), add(sum(weights, 3, { keepDims: true }), EPSILON))
}

const EPSILON = 1e-6

/** float [B]: (Σ kept / n − the keep ratio asked for)². kept [B,N], count [B] */
export function ratioLoss(kept: Tensor, count: Tensor, target: Tensor | number): Tensor {
  const over = sub(div(sum(kept, 1), count), target)
  return mul(over, over)
}

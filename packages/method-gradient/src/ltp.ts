import {
  type Amount,
  checkOptions,
  div,
  type Learned,
  type Method,
  mul,
  type OptionSpecs,
  type Site,
  scorer,
  sigmoid,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'

export interface LtpOptions {
  /** Thresholds are of attention as a multiple of what a token of the example receives on average (default false). */
  readonly relative?: boolean | undefined
  /** How soft the thresholds are while they are learned (default 0.005, relative ones 0.15). */
  readonly temperature?: number | undefined
}

export const ltpOptions: OptionSpecs = {
  relative: {
    description: 'thresholds are of attention as a multiple of what a token of the example receives on average',
    type: 'boolean',
    default: false,
  },
  temperature: {
    description: 'how soft the thresholds are while they are learned (default: 0.005, relative ones 0.15)',
    type: 'number',
  },
}

/**
 * Drops the tokens that receive less attention than a threshold, which is learned for each layer.
 *
 *   s_j = mean over heads and attended query rows of A_ij                              [B,H,N,N] → [B,N]
 *   learning: the layer's output of token j is multiplied by σ((s_j − θ) / T); loss + its mean over an example's tokens      (eq. 5 to 7)
 *   afterwards: a token is kept if s_j ≥ θ
 *
 * The attention of a row adds up to 1, so that of n tokens each receives 1/n on average, and a threshold that was learned on
 * short texts drops most of a long one. `relative` ones are of s_j · n, which is 1 on average at all lengths.
 *
 * LTP (Kim et al., KDD 2022, arXiv:2107.00910). Thresholds are of attention over the attended tokens, not the padded length as
 * in its code; protected tokens are kept.
 *
 * Differs from the published code: its scores are divided by the padded length N, so a threshold θ there is θ·N/n here. It may
 * drop every token of an example; here protected tokens are kept, and at least one. Its floor of 1e-5 is not built in: pass
 * max(1e-5, θ). While it learns, it masks padding softly, too, and its regularizer is the sum over layers of a mean over the
 * batch; here of a mean over each example's tokens.
 */
export function ltp(options: LtpOptions = {}): Method {
  checkOptions('ltp', ltpOptions, options)
  const { relative = false, temperature = relative ? 0.15 : 0.005 } = options
  const score = ({ received, count }: Pick<Site, 'received' | 'count'>): Tensor =>
    relative ? mul(received, unsqueeze(count, 1)) : received
  return scorer({
    name: 'ltp',
    family: 'gradient',
    paper: { title: 'Learned Token Pruning for Transformers', arxiv: '2107.00910' },
    score,
    training: {
      params: { threshold: { dims: [], ...(relative ? { init: 0.4, rate: 4 } : { init: 0.01, rate: 0.1 }) } },
      soften(site) {
        const kept = site.obey(sigmoid(mul(sub(score(site), site.param.threshold as Tensor), 1 / temperature)))
        return {
          kept,
          output: (output) => mul(output, unsqueeze(kept, 2)),
          losses: { regulariser: div(sum(kept, 1), site.count) },
        }
      },
      harden: (learned) => new Map([...learned].map(([layer, values]) => [layer, thresholdOf(values)])),
    },
  })
}

function thresholdOf({ threshold }: Learned): Amount {
  return { kind: 'threshold', value: threshold?.data[0] ?? 0 }
}

import {
  type Amount,
  div,
  type Learned,
  type Method,
  mul,
  type OptionSpecs,
  scorer,
  sigmoid,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'

export interface LtpOptions {
  /** How soft the thresholds are while they are learned (default 0.005). */
  readonly temperature?: number | undefined
}

export const ltpOptions: OptionSpecs = {
  temperature: { description: 'how soft the thresholds are while they are learned', type: 'number', default: 0.005 },
}

/**
 * Drops the tokens that receive less attention than a threshold, which is learned for each block.
 *
 *   s_j = mean over heads and real query rows of A_ij                              [B,H,N,N] → [B,N]
 *   learning: the block's output of token j is multiplied by σ((s_j − θ) / T); loss + its mean over a row's tokens      (eq. 5 to 7)
 *   afterwards: a token stays if s_j ≥ θ
 *
 * LTP (Kim et al., KDD 2022, arXiv:2107.00910). Thresholds are of attention over the real tokens, not the padded length as
 * in its code; fixed tokens stay.
 */
export function ltp({ temperature = 0.005 }: LtpOptions = {}): Method {
  return scorer({
    name: 'ltp',
    family: 'gradient',
    paper: { title: 'Learned Token Pruning for Transformers', arxiv: '2107.00910' },
    score: (site) => site.received,
    training: {
      params: { threshold: { dims: [], init: 0.01, rate: 0.1 } },
      soften(site) {
        const left = site.obey(sigmoid(mul(sub(site.received, site.param.threshold as Tensor), 1 / temperature)))
        return {
          left,
          output: (output) => mul(output, unsqueeze(left, 2)),
          losses: { regulariser: div(sum(left, 1), site.count) },
        }
      },
      harden: (learned) => new Map([...learned].map(([block, values]) => [block, thresholdOf(values)])),
    },
  })
}

function thresholdOf({ threshold }: Learned): Amount {
  return { kind: 'threshold', value: threshold?.data[0] ?? 0 }
}

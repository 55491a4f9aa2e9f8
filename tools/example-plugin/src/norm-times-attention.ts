import { cast, checkOptions, mul, type OptionSpecs, pow, type Scorer, scorer, sqrt, sumSquare } from '@tp/core'

export interface NormTimesAttentionOptions {
  /** How much the norm counts; 0 uses attention alone. Default 1. */
  readonly power?: number
}

export const normTimesAttentionOptions: OptionSpecs = {
  power: {
    type: 'number',
    default: 1,
    min: 0,
    max: 8,
    description: 'how much the norm counts; 0 uses attention alone',
  },
}

/**
 * Keeps the tokens that are looked at most and have the largest states.
 *
 *   score_j = received_j · ‖hidden_j‖^power                               [B,N] · [B,N,D] → [B,N]
 */
export function normTimesAttention(options: NormTimesAttentionOptions = {}): Scorer {
  checkOptions('norm-times-attention', normTimesAttentionOptions, options)
  const { power = 1 } = options
  return scorer({
    name: 'norm-times-attention',
    family: 'attention',
    score(site) {
      // Squares of half-precision states overflow.
      const norm = sqrt(sumSquare(cast(site.hidden, 'float32'), 2))
      return mul(site.received, pow(norm, power))
    },
  })
}

import { add, checkOptions, mean, mul, type OptionSpecs, type Scorer, scorer } from '@tp/core'
import { attentionReceived, queriesOption } from './received-attention.ts'

export interface BalancedOptions {
  /** Look at this many query rows only, evenly spaced over the real tokens. Default: all. */
  readonly queries?: number
}

export const balancedOptions: OptionSpecs = { queries: queriesOption }

/**
 * Keeps the tokens that matter to the class token or to all others: class attention and received attention in equal
 * parts, since which of the two is better depends on the task.
 *
 *   score_j = ½ · mean over heads of (A_cls,j + (1/n) Σ_i A_ij)          [B,N]
 *
 * Both parts, and so their mean, add up to 1 over the n real tokens. Needs a class token.
 */
export function balanced(options: BalancedOptions = {}): Scorer {
  checkOptions('balanced', balancedOptions, options)
  return scorer({
    name: 'balanced',
    family: 'attention',
    score: (site) => mul(add(mean(site.clsAttention, 1), attentionReceived(site, options)), 0.5),
  })
}

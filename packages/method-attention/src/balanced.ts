import { add, checkOptions, mean, mul, type OptionSpecs, type Scorer, type Site, scorer, type Tensor } from '@tp/core'
import { attentionReceived, queriesOption } from './received-attention.ts'
import { valueLength } from './value-aware.ts'

export interface BalancedOptions {
  /** Look at this many query rows only, evenly spaced over the attended tokens. Default: all. */
  readonly queries?: number
  /** Multiply by the length of the value, as value-aware does. Default false. */
  readonly values?: boolean
}

export const balancedOptions: OptionSpecs = {
  queries: queriesOption,
  values: { type: 'boolean', default: false, description: 'multiply by the length of the value' },
}

/**
 * Keeps the tokens that matter to the class token or to all others: class attention and received attention in equal
 * parts, since which of the two is better depends on the task.
 *
 *   score_j = ½ · mean over heads of (A_cls,j + (1/n) Σ_i A_ij)          [B,N]
 *
 * Both parts, and so their mean, add up to 1 over the n attended tokens. With `values`, times mean_h ‖v_j‖₂ (see
 * {@link valueAware}). Needs a class token.
 */
export function balanced(options: BalancedOptions = {}): Scorer {
  checkOptions('balanced', balancedOptions, options)
  const attention = (site: Site): Tensor => mul(add(mean(site.clsAttention, 1), attentionReceived(site, options)), 0.5)
  return scorer({
    name: 'balanced',
    family: 'attention',
    score: (site) => (options.values === true ? mul(attention(site), valueLength(site)) : attention(site)),
  })
}

import { checkOptions, type Method, type OptionSpecs } from '@tp/core'
import { bipartite } from './bipartite.ts'

export interface TomeOptions {
  /** Adds the logarithm of a token's size to all later scores of its key (default true). */
  readonly proportionalAttention?: boolean | undefined
}

export const tomeOptions: OptionSpecs = {
  proportionalAttention: {
    description: "add the logarithm of a token's size to all later scores of its key",
    type: 'boolean',
    default: true,
  },
}

/**
 * Merges the most similar tokens in pairs: bipartite soft matching.
 *
 *   a_i, b_j = mean over heads of the keys, divided by their length; i even, j odd ordinals      [B,H,N,Dh] → [B,N,Dh]
 *   token i joins the b_j with the largest a_i · b_j; those with the largest products do, as many as are to be pruned
 *   merged = Σ size · x / Σ size                                                               [B,N,D] → [B,K,D]
 *
 * The kept even tokens come first, then the odd ones. At most half of the tokens that may be pruned are. Protected tokens
 * take no part. By a threshold t (of 1 − the product), pairs that are nearer than t are merged.
 * ToMe (Bolya et al., ICLR 2023, arXiv:2210.09461, section 3).
 *
 * Differs from the published code, which orders the even tokens by similarity if there is no class token; here they are always
 * ordered by position, so that a second merge may pair other tokens. Other choices of destinations (every k-th token, random)
 * and unmerging are not built in.
 */
export function tome(options: TomeOptions = {}): Method {
  checkOptions('tome', tomeOptions, options)
  const { proportionalAttention = true } = options
  return Object.freeze<Method>({
    name: 'tome',
    family: 'hybrid',
    paper: { title: 'Token Merging: Your ViT But Faster', arxiv: '2210.09461' },
    reduces: 'pair',
    signed: true,
    reduce(site) {
      if (site.budget === undefined) return { keep: site.attended }
      const { distance, into, order } = bipartite(site)
      return { keep: site.budget.select(distance), into, order, proportional: proportionalAttention }
    },
  })
}

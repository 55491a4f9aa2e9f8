import { checkOptions, type Method, type NoOptions } from '@tp/core'
import { bipartite } from './bipartite.ts'

/**
 * ToMe's pairs; in the first half of the layers one of the two is dropped, in the second half they are merged without
 * losing length (MLERP).
 *
 *   mean = Σ size · x / Σ size;   merged = mean / ‖mean‖ · max ‖x‖          [B,N,D] → [B,K,D]
 *
 * Where a layer is far from linear, a mean of its inputs is unlike any of them; early layers are. At most half of the tokens
 * that may be pruned are. Token Fusion (Kim et al., WACV 2024, arXiv:2312.01026, section 3).
 */
export function tofu(options: NoOptions = {}): Method {
  checkOptions('tofu', {}, options)
  return Object.freeze<Method>({
    name: 'tofu',
    family: 'hybrid',
    paper: {
      title: 'Token Fusion: Bridging the Gap between Token Pruning and Token Merging',
      arxiv: '2312.01026',
    },
    reduces: 'pair',
    signed: true,
    reduce(site) {
      if (site.budget === undefined) return { keep: site.attended }
      const { distance, into, order } = bipartite(site)
      const keep = site.budget.select(distance)
      return 2 * site.layer < site.layerCount ? { keep, order } : { keep, order, into, merge: 'norm' }
    },
  })
}

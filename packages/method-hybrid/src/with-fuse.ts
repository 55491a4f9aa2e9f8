import { type Budget, fuseRest, type Method, type Site, type Tensor, TpError } from '@tp/core'

/**
 * Any method that selects by a score, but what it drops is fused into one token more: their mean, weighted by size.
 *
 *     withFuse(receivedAttention())
 *
 * @throws TpError TP_OPTION (when used) if the method chooses tokens without the schedule's rule
 */
export function withFuse(method: Method): Method {
  return Object.freeze<Method>({
    ...method,
    name: `${method.name}-fused`,
    family: 'hybrid',
    reduces: 'fuse',
    reduce(site) {
      const { budget } = site
      if (budget === undefined) return method.reduce(site)
      const scores = new Map<Tensor, Tensor>()
      const select: Budget['select'] = (score, extra) => {
        const keep = budget.select(score, extra)
        scores.set(keep, score)
        return keep
      }
      const watched: Site = Object.create(site, { budget: { value: { ...budget, select } } })
      const reduction = method.reduce(watched)
      if (reduction.keep === site.attended) return reduction
      const score = scores.get(reduction.keep)
      if (score === undefined) {
        const reason = `${method.name} chooses tokens without a score, so that it is not known which to fuse the others into`
        throw new TpError('TP_OPTION', 'method-hybrid', `${reason}; use withMerge`)
      }
      return { ...reduction, ...fuseRest(site, budget, score) }
    },
  })
}

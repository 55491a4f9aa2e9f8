import { type Method, nearestKept } from '@tp/core'

/**
 * Any method, but what it drops is merged: each token joins the most similar kept one (by the cosine of the mean of
 * the keys over heads), weighted by size.
 *
 *     withMerge(clsAttention())
 */
export function withMerge(method: Method): Method {
  return Object.freeze<Method>({
    ...method,
    name: `${method.name}-merged`,
    family: 'hybrid',
    reduce(site) {
      const reduction = method.reduce(site)
      if (reduction.keep === site.attended) return reduction
      return { ...reduction, into: nearestKept(site, reduction.keep).nearest }
    },
  })
}

import type { Site } from './method.ts'
import { type MostSimilar, mostSimilar } from './most-similar.ts'
import { and, mean, not } from './ops/index.ts'
import type { Tensor } from './tensor.ts'

/**
 * For every token the most similar one that stays and is not fixed. keep bool [B,N]; metric [B,N,C], by default the mean
 * of the keys over heads.
 */
export function nearestKept(site: Site, keep: Tensor, metric: Tensor = mean(site.key, 1)): MostSimilar {
  return mostSimilar(site, metric, and(and(keep, site.alive), not(site.fixed)))
}

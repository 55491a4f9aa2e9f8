import type { Tensor } from '../expression/tensor.ts'
import type { Method, Reduction } from '../method/method.ts'
import type { Budget, Site } from '../method/site.ts'

/** The method, and its scores and reductions, layer by layer. */
export function recording(
  method: Method,
  seen: (reduction: Reduction, site: Site) => void = () => {},
): { spy: Method; scores: Tensor[]; reductions: Reduction[] } {
  const scores: Tensor[] = []
  const reductions: Reduction[] = []
  const reduce = (site: Site): Reduction => {
    const { budget } = site
    if (budget === undefined) return method.reduce(site)
    const select: Budget['select'] = (score, extra) => {
      scores.push(score)
      return budget.select(score, extra)
    }
    return method.reduce(Object.create(site, { budget: { value: { ...budget, select } } }) as Site)
  }
  const spy: Method = {
    ...method,
    reduce(site) {
      const reduction = reduce(site)
      reductions.push(reduction)
      seen(reduction, site)
      return reduction
    },
  }
  return { spy, scores, reductions }
}

import { type Method, or, type Site, type Tensor } from '@tp/core'

/** Keeps every token, inserted by force: above every length, and allowed where the model's own length is less. */
export const ALL_TOKENS = 9999

/** The method with its own computations, but every token is kept, even if it does not follow the schedule's count. */
export function keepingAll(method: Method): Method {
  return {
    ...method,
    reduce(site) {
      const { budget } = site
      let selected: Tensor | undefined
      const select = (score: Tensor): Tensor => {
        selected = budget?.select(score)
        return selected as Tensor
      }
      // Not a spread copy: it would call getters that the method does not read, and the model might refuse them.
      const watched: Site = Object.create(site, budget ? { budget: { value: { ...budget, select } } } : {})
      const reduction = method.reduce(watched)
      return reduction.keep === selected ? reduction : { ...reduction, keep: or(reduction.keep, site.attended) }
    },
  }
}

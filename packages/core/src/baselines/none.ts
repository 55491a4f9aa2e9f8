import type { Method } from '../method/method.ts'

/** Keeps every token: the dense model, as a row of the tables. */
export function none(): Method {
  return Object.freeze<Method>({ name: 'none', family: 'baseline', reduce: (site) => ({ keep: site.attended }) })
}

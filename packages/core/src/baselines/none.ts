import type { Method } from '../method/method.ts'
import { checkOptions, type NoOptions } from '../method/options.ts'

/** Keeps every token: the dense model, as a row of the tables. */
export function none(options: NoOptions = {}): Method {
  checkOptions('none', {}, options)
  return Object.freeze<Method>({ name: 'none', family: 'baseline', reduce: (site) => ({ keep: site.attended }) })
}

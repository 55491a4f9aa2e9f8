import type { Method } from '../method/method.ts'
import { checkOptions, type NoOptions } from '../method/options.ts'
import { scorer } from '../method/scorer.ts'
import { neg } from '../ops/index.ts'

/** Keeps the first tokens: what cutting the input short would keep. */
export function truncate(options: NoOptions = {}): Method {
  checkOptions('truncate', {}, options)
  return scorer({ name: 'truncate', family: 'baseline', signed: true, score: (site) => neg(site.position) })
}

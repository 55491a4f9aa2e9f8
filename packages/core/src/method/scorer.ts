import type { Tensor } from '../expression/tensor.ts'
import type { Method } from './method.ts'
import type { Site } from './site.ts'
import type { Training } from './training.ts'

export interface ScorerOptions {
  readonly name: string
  readonly family: Method['family']
  readonly paper?: NonNullable<Method['paper']>
  readonly site?: NonNullable<Method['site']>
  readonly params?: NonNullable<Method['params']>
  readonly signed?: boolean
  readonly training?: Training
  /** How much each token matters: [B,N], higher is kept. */
  score(site: Site): Tensor
}

/** A method that only scores tokens. */
export interface Scorer extends Method {
  /** How much each token matters: [B,N], higher is kept. */
  score(site: Site): Tensor
}

/** A method that only scores tokens; the schedule's rule (top-k, threshold, mass) does the rest. */
export function scorer(options: ScorerOptions): Scorer {
  const { score } = options
  return Object.freeze<Scorer>({
    ...options,
    reduce: (site) => ({ keep: site.budget === undefined ? site.attended : site.budget.select(score(site)) }),
  })
}

import { TpError } from './errors.ts'
import { reducesAt } from './host/reduce.ts'
import type { Method, Site } from './method.ts'
import { add, mul } from './ops/index.ts'
import { type Scorer, scorer } from './scorer.ts'
import type { Tensor } from './tensor.ts'

/**
 * Scores tokens by a weighted sum of other scores: score_j = Σ_i w_i · score_i,j          [B,N]
 *
 * Scores keep the size their methods give them; choose weights that suit (attention scores add up to 1 over a row).
 * @throws TpError TP_OPTION without parts, or with a weight that is no finite number
 */
export function weighted(name: string, parts: readonly (readonly [method: Scorer, weight: number])[]): Scorer {
  if (parts.length === 0) throw new TpError('TP_OPTION', 'core', `${name}: give at least one method and its weight`)
  for (const [method, weight] of parts) {
    if (Number.isFinite(weight)) continue
    throw new TpError(
      'TP_OPTION',
      'core',
      `${name}: the weight of ${method.name} is ${weight}; it must be a finite number`,
    )
  }
  const score = (site: Site): Tensor =>
    parts.map(([method, weight]) => mul(method.score(site), weight)).reduce((a, b) => add(a, b))
  const signed = parts.some(([method, weight]) => method.signed === true || weight < 0)
  return scorer({ name, family: parts[0]?.[0].family ?? 'attention', signed, score })
}

/**
 * One method at some blocks, others elsewhere: `choose` names the method of each block. Methods that carry state from
 * block to block would miss what happens at the others' blocks, and are refused.
 */
export function byBlock(name: string, choose: (block: number) => Method): Method {
  return Object.freeze<Method>({
    name,
    family: choose(0).family,
    reduces: (block) => reducesAt(choose(block), block),
    reduce(site) {
      const method = choose(site.block)
      if (method.carry === undefined && method.params === undefined) return method.reduce(site)
      throw new TpError(
        'TP_OPTION',
        'core',
        `${name}: ${method.name} keeps state or trained values of its own and cannot share blocks with others`,
      )
    },
  })
}

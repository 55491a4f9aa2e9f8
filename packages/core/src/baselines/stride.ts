import { TpError } from '../errors.ts'
import type { Tensor } from '../expression/tensor.ts'
import { countedAmounts } from '../method/amount-rules.ts'
import type { Method } from '../method/method.ts'
import { checkOptions, type NoOptions } from '../method/options.ts'
import { scorer } from '../method/scorer.ts'
import type { Site } from '../method/site.ts'
import { and, cast, cumSum, div, greater, maximum, mul, not, sub, sum, unsqueeze } from '../ops/index.ts'

/**
 * Keeps evenly spaced tokens: k of f unprotected ones, the j-th (from 0) if
 *
 *   (j+1)·k div f > j·k div f                                              [B,N]
 *
 * which is exactly k of them, in integer arithmetic.
 */
export function stride(options: NoOptions = {}): Method {
  checkOptions('stride', {}, options)
  return scorer({ name: 'stride', family: 'baseline', score: evenlySpaced })
}

function evenlySpaced(site: Site): Tensor {
  const keep = site.budget?.keep
  if (keep === undefined) {
    const reason = 'stride has no scores that could say how many tokens are kept'
    throw new TpError('TP_SCHEDULE', 'core', `${reason}; give ${countedAmounts()}`)
  }
  const isFree = and(site.attended, not(site.protectedTokens))
  const free = cast(isFree, 'int32')
  const upTo = cumSum(free, 1)
  const total = sum(free, 1, { keepDims: true }) // [B,1]
  const chosen = sub(unsqueeze(cast(keep, 'int32'), [1]), sub(unsqueeze(cast(site.count, 'int32'), [1]), total))
  // an example without unprotected tokens would divide by 0, which crashes a runtime in integers
  const quota = (j: Tensor): Tensor => div(mul(j, chosen), maximum(total, 1))
  return cast(and(isFree, greater(quota(upTo), quota(sub(upTo, 1)))), 'float32')
}

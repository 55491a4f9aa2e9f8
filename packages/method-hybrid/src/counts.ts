import { countedAmounts, div, floor, less, mul, type Site, sub, type Tensor, TpError, unsqueeze } from '@tp/core'

/**
 * float [B,1]: how many tokens of each example are pruned.
 * @throws TpError TP_SCHEDULE where only the scores decide how many
 */
export function prunedCount(method: string, { budget, count }: Site): Tensor {
  if (budget?.keep !== undefined) return unsqueeze(sub(count, budget.keep), 1)
  throw new TpError('TP_SCHEDULE', method, `it needs to know how many tokens are pruned; give ${countedAmounts()}`)
}

/** bool: which of these whole numbers, none of them negative, are odd. */
export function isOdd(x: Tensor): Tensor {
  return less(mul(floor(div(x, 2)), 2), x)
}

import { TpError } from '../errors.ts'
import type { Tensor } from '../expression/tensor.ts'
import { amountRules } from '../method/amount-rules.ts'
import type { Method } from '../method/method.ts'
import type { Amount } from '../method/schedule.ts'
import { scatterElements, squeeze } from '../ops/index.ts'
import { assume } from './assume.ts'
import type { TokenState } from './state.ts'

/**
 * State of all tokens again, once those that left have come back: each has what it carried when it left, or has now.
 * `before`: when they left; `now`: of those that stayed; `indices` int64 [B,K,1]: which those were.
 */
export function returnedState(before: TokenState, now: TokenState, indices: Tensor): TokenState {
  // What is left counts as N of its own site, and so do its indices.
  const positions = squeeze(assume(indices, ['B', 'N', 1]), [2])
  const carried = Object.entries(before.carried).map(
    ([name, x]) => [name, scatterElements(x, positions, now.carried[name] as Tensor, { axis: 1 })] as const,
  )
  return { ...before, carried: Object.fromEntries(carried) }
}

/** @throws TpError for what a method whose tokens come back cannot do */
export function requireReturnable(method: Method, amount: Amount): void {
  const wide = Object.entries(method.carry ?? {}).find(([, { dims }]) => dims.length !== 1)
  if (method.site !== 'input' || wide !== undefined) {
    const reason =
      wide === undefined ? "give place: 'input'" : `it carries ${wide[0]}, which has not one number for each token`
    throw new TpError('TP_METHOD', method.name, `its tokens cannot come back: ${reason}`)
  }
  if (amountRules[amount.kind].keptCount === undefined) {
    const reason = 'tokens come back in all rows at once, so that each row has to keep a count'
    throw new TpError('TP_SCHEDULE', method.name, `${reason}; give keep, tokens or remove`)
  }
}

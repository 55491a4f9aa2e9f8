import { TpError } from '../errors.ts'
import type { Tensor } from '../expression/tensor.ts'
import { amountRules, countedAmounts } from '../method/amount-rules.ts'
import type { Method } from '../method/method.ts'
import type { Amount } from '../method/schedule.ts'
import { scatterElements, squeeze } from '../ops/index.ts'
import { assume } from './assume.ts'
import type { TokenState } from './state.ts'

/**
 * State of all tokens once pruned ones have come back: pruned tokens have their state from before pruning, kept ones their
 * current state. `before`: at pruning; `now`: of the kept tokens; `indices` int64 [B,K,1]: which these are.
 */
export function returnedState(before: TokenState, now: TokenState, indices: Tensor): TokenState {
  // The kept tokens are the N of their own site, and so are their indices.
  const positions = squeeze(assume(indices, ['B', 'N', 1]), [2])
  const carried = Object.entries(before.carried).map(
    ([name, x]) => [name, scatterElements(x, positions, now.carried[name] as Tensor, { axis: 1 })] as const,
  )
  return { ...before, carried: Object.fromEntries(carried) }
}

/** @throws TpError if the tokens of a method that returns them cannot be restored, or are kept by score */
export function requireReturnable(method: Method, amount: Amount): void {
  const wide = Object.entries(method.carry ?? {}).find(([, { dims }]) => dims.length !== 1)
  if (method.site !== 'input' || wide !== undefined) {
    const reason =
      wide === undefined ? "give site: 'input'" : `it carries ${wide[0]}, which does not have one number per token`
    throw new TpError('TP_METHOD', method.name, `its tokens cannot be restored between layers: ${reason}`)
  }
  if (amountRules[amount.kind].keptCount === undefined) {
    const reason = 'tokens return in all examples at once, so each example has to keep a known number'
    throw new TpError('TP_SCHEDULE', method.name, `${reason}; give ${countedAmounts()}`)
  }
}

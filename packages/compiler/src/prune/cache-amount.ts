import { type Amount, countedAmounts, TpError } from '@tp/core'
import { amountRules, checkSchedule } from '@tp/core/host'

/**
 * Checks how many tokens of caches are kept at a layer.
 * @throws TpError TP_SCHEDULE; TP_OPTION for a rule that keeps as many tokens as the scores say
 */
export function checkCacheAmount(amount: Amount, layer = 0): void {
  checkSchedule(new Map([[layer, amount]]), layer + 1)
  if (amountRules[amount.kind].keptCount !== undefined) return
  const reason = `caches are of one length, and ${amount.kind} keeps as many as the scores say`
  throw new TpError('TP_OPTION', 'compiler', `${reason}; give ${countedAmounts()}`)
}

import type { Shares } from './search.ts'

/** A schedule one step away from another. */
export interface Neighbour {
  /** What was done, and at which site: what failed once is not tried again at once. */
  readonly step: string
  readonly shares: Shares
}

/** A share that is lowered goes down to this part of what it was. */
const LOWER = 0.8

/**
 * At each site: fewer tokens are left; nothing leaves there, which saves the cut, whatever leaves at others; all that would leave
 * at the next cut leaves there already, which saves that one.
 */
export function neighbours(shares: Shares): Neighbour[] {
  return shares.flatMap((share, site) => {
    const before = shares[site - 1] ?? 1
    const next = shares.find((later, i) => i > site && later < share)
    const at = (step: string, own: number): Neighbour => ({
      step: `${step} ${site}`,
      shares: withShare(shares, site, own),
    })
    return [
      at('fewer', Math.round(1e4 * LOWER * share) / 1e4),
      ...(share < before && isCutElsewhere(shares, site) ? [at('none', before)] : []),
      ...(next === undefined ? [] : [at('at once', next)]),
    ]
  })
}

/** No later site has more than an earlier one. */
function withShare(shares: Shares, site: number, own: number): Shares {
  const old = shares[site] as number
  return shares.map((share, i) => {
    if (i < site) return share
    // sites without a cut have what the one before left
    return share === old ? own : Math.min(share, own)
  })
}

/** Without its last cut a schedule is that of the dense model. */
function isCutElsewhere(shares: Shares, site: number): boolean {
  return shares.some((share, i) => i !== site && share < (shares[i - 1] ?? 1))
}

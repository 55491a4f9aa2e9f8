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
  const others = shares.flatMap((share, site) => {
    const next = shares.find((later, i) => i > site && later < share)
    const fewer = Math.round(1e4 * LOWER * share) / 1e4
    return [
      { step: `fewer ${site}`, shares: withShare(shares, site, fewer) },
      ...(next === undefined ? [] : [{ step: `at once ${site}`, shares: withShare(shares, site, next) }]),
    ]
  })
  return [...others, ...withoutOneCut(shares)]
}

/** At each site with a cut nothing leaves, if there is another cut: without its last one a schedule is that of the dense model. */
export function withoutOneCut(shares: Shares): Neighbour[] {
  const cuts = shares.map((share, site) => ({ site, before: shares[site - 1] ?? 1, share })).filter(isCut)
  if (cuts.length < 2) return []
  return cuts.map(({ site, before }) => ({ step: `none ${site}`, shares: withShare(shares, site, before) }))
}

function isCut({ before, share }: { readonly before: number; readonly share: number }): boolean {
  return share < before
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

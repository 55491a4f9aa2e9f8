import type { Contender } from './contenders.ts'
import type { Shares } from './search.ts'

/**
 * How pruning is divided between the sites: a weight by site, not below 0, the largest 1. At a strength s a site keeps
 * exp(−s · weight) of the tokens that arrive.
 */
export type Profile = readonly number[]

/** The least share. */
const LEAST = 1e-4

/** @param leastRatio no site keeps less of what arrives */
export function sharesOf(profile: Profile, strength: number, leastRatio = 0): Shares {
  const most = -Math.log(leastRatio)
  let gone = 0
  return profile.map((weight) => {
    gone += Math.min(strength * weight, most)
    return Math.max(LEAST, Number(Math.exp(-gone).toPrecision(6)))
  })
}

/** @param shares below 1 somewhere */
export function profileOf(shares: Shares): Profile {
  return normalized(shares.map((share, site) => Math.log((shares[site - 1] ?? 1) / share)))
}

/** The same ratio at all sites, and at all but the first: what a careful user would try. */
export function evenProfiles(sites: number): Profile[] {
  const all = Array<number>(sites).fill(1)
  return sites === 1 ? [all] : [all, all.with(0, 0)]
}

/**
 * The shares of a profile at which a run takes the given milliseconds, or slightly less.
 * @param msOf rises with the shares
 * @returns undefined if it takes longer at any strength
 */
export function sharesAt(
  profile: Profile,
  ms: number,
  { msOf, leastRatio }: Pick<Contender, 'msOf' | 'leastRatio'>,
): Shares | undefined {
  const sharesFor = (strength: number): Shares => sharesOf(profile, strength, leastRatio)
  let [slow, fast] = [0, -Math.log(LEAST) / Math.min(...profile.filter((weight) => weight > 0))]
  if (msOf(sharesFor(fast)) > ms) return undefined
  for (let step = 0; step < 30; step++) {
    const middle = (slow + fast) / 2
    if (msOf(sharesFor(middle)) > ms) slow = middle
    else fast = middle
  }
  return sharesFor(fast)
}

/** The factor by which a weight is raised or lowered. */
const STEP = 1.6

/** Profiles one step away: a weight raised, lowered or set to 0; a site moved one layer earlier or later; one site more. */
export function neighbors(profile: Profile): Profile[] {
  const cuts = profile.flatMap((weight, site) => (weight > 0 ? [site] : []))
  const usual = cuts.reduce((sum, site) => sum + (profile[site] as number), 0) / cuts.length
  const changed = (changes: Readonly<Record<number, number>>): Profile =>
    normalized(profile.map((weight, site) => changes[site] ?? weight))
  const isFree = (site: number): boolean => profile[site] === 0
  return profile.flatMap((weight, site) => {
    if (isFree(site)) return [changed({ [site]: usual / 2 })]
    const alone = cuts.length === 1
    return [
      ...(alone ? [] : [weight * STEP, weight / STEP, 0].map((own) => changed({ [site]: own }))),
      ...[site - 1, site + 1].filter(isFree).map((other) => changed({ [site]: 0, [other]: weight })),
    ]
  })
}

function normalized(weights: readonly number[]): Profile {
  const most = Math.max(...weights)
  return weights.map((weight) => weight / most)
}

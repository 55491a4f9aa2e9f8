import { mean, sampleDeviation } from '@tp/metrics'
import type { Contender } from './contenders.ts'
import { divergencesOf, type Looking, siteLosses } from './divergences.ts'
import { evenProfiles, neighbors, type Profile, profileOf, sharesAt } from './profile.ts'
import { hull, type Shares, summedLoss } from './search.ts'

/** Shares that schedules of the hull are made of. */
const LEVELS = [...Array.from({ length: 19 }, (_, i) => 1 - i / 20), 0.07, 0.05, 0.03, 0.02]

/** At most this many schedules are tried. */
const TRIED = 30

/** A gain must be this many standard errors: less may be chance, since many steps are tried. */
const BEYOND_CHANCE = 2

interface Tried {
  readonly profile: Profile
  /** By example. */
  readonly divergences: readonly number[]
}

/**
 * Where to prune: of the profiles with the same time for a contender, the one whose answers move least. The search starts with
 * the schedules that are best if losses of sites add up. They do not quite, so others are measured, too: the same keep ratio at
 * all sites, and neighbors of the best so far, in order of the summed loss.
 */
export async function profileAt(looking: Looking, contender: Contender, ms: number): Promise<Profile> {
  const { measurer, sites } = looking
  const { variant, costs, msOf, leastRatio } = contender
  const loss = await siteLosses(looking, contender)
  measurer.begin('search', TRIED)
  const known = new Set<string>()
  const sharesOf = (profile: Profile): Shares | undefined => sharesAt(profile, ms, contender)
  const measured = async (profile: Profile): Promise<Tried | undefined> => {
    const shares = sharesOf(profile)
    if (shares === undefined || known.has(shares.join())) return undefined
    known.add(shares.join())
    return { profile, divergences: await divergencesOf(looking, { variant, shares }) }
  }
  const paths = hull({ ...costs, sites: sites.length, levels: LEVELS, leastRatio, loss }).filter(
    ({ shares }) => (shares.at(-1) ?? 1) < 1,
  )
  const slower = paths.findIndex(({ shares }) => msOf(shares) > ms)
  const near = slower < 0 ? paths.slice(-1) : paths.slice(Math.max(0, slower - 1), slower + 1)
  const even = evenProfiles(sites.length)
  let best: Tried | undefined
  for (const profile of [...near.map(({ shares }) => profileOf(shares)), ...even]) {
    const tried = await measured(profile)
    if (tried !== undefined && (best === undefined || isNearer(tried, best))) best = tried
  }
  if (best === undefined) return even[0] as Profile
  const summed = (profile: Profile): number => summedLoss(loss, sharesOf(profile) ?? [])
  for (let improves = true; improves; ) {
    improves = false
    const next = neighbors(best.profile)
      .filter((profile) => sharesOf(profile) !== undefined)
      .sort((a, b) => summed(a) - summed(b))
    for (const profile of next) {
      if (known.size >= TRIED) return best.profile
      const tried = await measured(profile)
      if (tried === undefined || !isNearer(tried, best)) continue
      best = tried
      improves = true
      break
    }
  }
  return best.profile
}

/** Paired by example, better on average and significantly so. */
function isNearer({ divergences }: Tried, than: Tried): boolean {
  const gains = divergences.map((own, i) => (than.divergences[i] as number) - own)
  return mean(gains) > (BEYOND_CHANCE * sampleDeviation(gains)) / Math.sqrt(gains.length)
}

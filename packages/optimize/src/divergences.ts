import { mean } from '@tp/metrics'
import { type Candidate, pruningOf } from './candidate.ts'
import type { Contender } from './contenders.ts'
import { type Answering, type Answers, measuredDivergences } from './measure-answers.ts'
import { evenProfiles, sharesAt } from './profile.ts'
import type { Shares, SiteLoss } from './search.ts'
import type { Split } from './split.ts'

export interface Looking extends Answering {
  readonly sites: readonly number[]
  readonly look: Split['look']
  /** The dense model's answers to these. */
  readonly seen: Answers
}

/** How far the answers move with a schedule, by example. No labels are used. */
export function divergencesOf(
  looking: Looking,
  candidate: Pick<Candidate, 'variant' | 'shares'>,
): Promise<readonly number[]> {
  const { sites, look, seen } = looking
  const name = `${candidate.variant.name} ${candidate.shares.join(' ')}`
  return measuredDivergences(looking, name, pruningOf(candidate, sites), look, seen)
}

/** Methods are compared at this share of the time without pruning, that of the faster number format. */
const COMPARED_AT = 2 / 3

/** At most this many contenders are pursued, … */
const FOLLOWED = 2

/** … and only those whose answers move at most this many times as far as those of the best. */
const FARTHEST = 1.5

/**
 * The contenders whose answers move least at equal time, with the same keep ratio at all sites or at all but the first; those that
 * cannot be as fast are omitted.
 */
export async function mostPromising(looking: Looking, contenders: readonly Contender[]): Promise<Contender[]> {
  const { sites, measurer } = looking
  const profiles = evenProfiles(sites.length)
  measurer.begin('sensitivity', contenders.length * profiles.length)
  const ms = COMPARED_AT * Math.min(...contenders.map(({ msOf }) => msOf(sites.map(() => 1))))
  const promises: { readonly contender: Contender; readonly least: number }[] = []
  for (const contender of contenders) {
    const { variant } = contender
    let least = Number.POSITIVE_INFINITY
    for (const profile of profiles) {
      const shares = sharesAt(profile, ms, contender)
      if (shares !== undefined) least = Math.min(least, mean(await divergencesOf(looking, { variant, shares })))
    }
    promises.push({ contender, least })
  }
  const inOrder = promises.sort((a, b) => a.least - b.least)
  const farthest = FARTHEST * (inOrder[0]?.least ?? 0)
  return inOrder
    .filter(({ least }) => least < Number.POSITIVE_INFINITY && least <= farthest)
    .slice(0, FOLLOWED)
    .map(({ contender }) => contender)
}

/** Keep ratios that are tried at each site. */
const TRIED = [0.8, 0.5, 0.25, 0.1] as const

/** How much farther the answers move with pruning at one site only, for each site and any share, than without any. */
export async function siteLosses(looking: Looking, { variant, leastRatio }: Contender): Promise<SiteLoss> {
  const { measurer, sites } = looking
  measurer.begin('sensitivity', sites.length * TRIED.length)
  const rounded =
    variant.quantize === undefined ? 0 : mean(await divergencesOf(looking, { variant, shares: sites.map(() => 1) }))
  const losses: (readonly number[])[] = []
  for (const site of sites.keys()) {
    const tried: number[] = []
    for (const share of TRIED) {
      const shares = only(sites, site, Math.max(share, leastRatio))
      tried.push(mean(await divergencesOf(looking, { variant, shares })) - rounded)
    }
    losses.push(tried)
  }
  return (site, share) => interpolated(losses[site] as readonly number[], share)
}

function only(sites: readonly number[], site: number, share: number): Shares {
  return sites.map((_, i) => (i < site ? 1 : share))
}

/**
 * The divergence at a share, interpolated as a power of the pruned share: almost nothing for few tokens, and tried shares are
 * not favoured. It never falls with fewer tokens, despite noise.
 */
export function interpolated(tried: readonly number[], share: number): number {
  if (share >= 1) return 0
  let most = Number.EPSILON
  const points = TRIED.map((left, i) => {
    most = Math.max(most * (1 + Number.EPSILON), tried[i] as number)
    return { gone: Math.log(1 - left), loss: Math.log(most) }
  })
  const gone = Math.log(1 - share)
  const after = points.findIndex((point) => point.gone >= gone)
  const from = after < 0 ? points.length - 2 : Math.max(0, after - 1)
  const [low, high] = points.slice(from, from + 2) as [(typeof points)[0], (typeof points)[0]]
  return Math.exp(low.loss + ((high.loss - low.loss) * (gone - low.gone)) / (high.gone - low.gone))
}

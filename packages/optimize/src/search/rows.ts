import type { RecipeLayers } from '@tp/core'
import { leastRatioAt } from '@tp/core/host'
import type { NamedVariant } from './candidate.ts'
import type { Shares } from './pruning.ts'

/**
 * How pruning is divided among the sites: a weight by site, not below 0. At a strength s a site keeps exp(−s · weight) of the tokens
 * that arrive.
 */
type Profile = readonly number[]

/** A method at rising strength, in the layers of one profile. */
export interface CandidateRow {
  readonly variant: NamedVariant
  readonly profile: Profile
  /** `tome, thirds` */
  readonly name: string
  /** No site keeps less of the tokens that arrive: half of them where they are merged in pairs. */
  readonly leastRatio: number
  /** The layers of the model, and those at which it prunes. */
  readonly sites: Sites
}

/** The layers of a model, and those at which tokens can be pruned. */
export interface Sites {
  readonly layers: number
  readonly sites: readonly number[]
}

/** The weights of each way to divide pruning among layers; undefined where the model has too few for it. */
const profiles: Readonly<Record<RecipeLayers, (sites: readonly number[], layers: number) => Profile | undefined>> = {
  every: (sites) => sites.map(() => 1),
  'but-first': (sites) => (sites.length > 1 ? sites.map((_, i) => Number(i > 0)) : undefined),
  thirds: (sites, layers) =>
    layers < 6
      ? undefined
      : sites.map((site) => Number([layers / 3, (2 * layers) / 3].some((at) => site === Math.round(at)))),
  middle: (sites, layers) => sites.map((site) => Number(site === Math.floor(layers / 2))),
  first: (sites) => sites.map((_, i) => Number(i === 0)),
  second: (sites) => (sites.length > 1 ? sites.map((_, i) => Number(i === 1)) : undefined),
  'second-half': (sites, layers) => sites.map((site) => Number(site >= layers / 2)),
}

/**
 * The rows of a variant: one for each of its ways to divide pruning that differs from the others on this model.
 * @param layers of the model that is pruned
 */
export function rowsOf(variant: NamedVariant, layers: number): CandidateRow[] {
  const { sites } = variant
  const seen = new Set<string>()
  return variant.layers.flatMap((way) => {
    const profile = profiles[way](sites, layers)
    if (profile === undefined || !profile.some((weight) => weight > 0) || seen.has(profile.join())) return []
    seen.add(profile.join())
    const leastRatio = Math.max(0, ...sites.map((layer) => leastRatioAt(variant.method, layer)))
    return [{ variant, profile, name: `${variant.name}, ${way}`, leastRatio, sites: { layers, sites } }]
  })
}

/** The least share. */
const LEAST = 1e-3

function sharesOf({ profile, leastRatio }: Pick<CandidateRow, 'profile' | 'leastRatio'>, strength: number): Shares {
  const most = -Math.log(leastRatio)
  let gone = 0
  return profile.map((weight) => {
    gone += Math.min(strength * weight, most)
    return Math.max(LEAST, Number(Math.exp(-gone).toPrecision(6)))
  })
}

/** The part of a layer that is computed before tokens are pruned in it, about: its attention. */
const BEFORE = 1 / 3

/** Tokens that are computed, over all layers, as a share of those of the dense model. */
export function workOf(shares: Shares, { layers, sites }: Sites): number {
  let [work, share] = [0, 1]
  for (let layer = 0; layer < layers; layer++) {
    const site = sites.indexOf(layer)
    const after = site < 0 ? share : (shares[site] as number)
    work += BEFORE * share + (1 - BEFORE) * after
    share = after
  }
  return work / layers
}

/**
 * The shares of a row at which so much of the work is done, or slightly less.
 * @returns undefined if more is done at any strength
 */
export function sharesAt(row: Omit<CandidateRow, 'variant' | 'name'>, work: number): Shares | undefined {
  const { sites } = row
  let [slow, fast] = [0, -Math.log(LEAST) / Math.min(...row.profile.filter((weight) => weight > 0))]
  if (workOf(sharesOf(row, fast), sites) > work) return undefined
  for (let step = 0; step < 30; step++) {
    const middle = (slow + fast) / 2
    if (workOf(sharesOf(row, middle), sites) > work) slow = middle
    else fast = middle
  }
  return sharesOf(row, fast)
}

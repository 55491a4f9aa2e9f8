/** By site: the share of all tokens kept up to there; it never rises. */
export type Shares = readonly number[]

/** Where a schedule spends its time. */
export interface Costs {
  /** Milliseconds from a site to the next one, with a share of the tokens kept. */
  readonly ms: (site: number, share: number) => number
  /** Milliseconds of the selection at a site where a share of the tokens arrives. */
  readonly cutMs: (site: number, share: number) => number
}

/** The loss if a share is kept at one site and all tokens before it; 0 for 1, and never falling with fewer tokens. */
export type SiteLoss = (site: number, share: number) => number

/** The parts of schedules, and their cost. */
export interface SearchSpace extends Costs {
  readonly sites: number
  /** Possible shares, including 1. */
  readonly levels: readonly number[]
  /** No site keeps less of what arrives; default: 0. */
  readonly leastRatio?: number
  readonly loss: SiteLoss
}

export interface Path {
  readonly shares: Shares
  readonly ms: number
  readonly loss: number
}

/**
 * The schedules on the lower convex hull of time and loss, the fastest first. Pruning at a site adds the loss of that site
 * between the shares before and after. For one weight of the loss against time the best schedule is found exactly, by dynamic
 * programming over sites and shares; between two neighbors of the hull another one is looked for with the weight at
 * which both are as good (as in bit allocation: Shoham & Gersho, IEEE Trans. ASSP 36(9), 1988).
 */
export function hull(space: SearchSpace): Path[] {
  const fastest = best(space, 0)
  const safest = best(space, Number.POSITIVE_INFINITY)
  return [fastest, ...between(space, fastest, safest), safest].filter(
    (path, i, all) => i === 0 || path.ms > (all[i - 1] as Path).ms,
  )
}

/** The least gain, relative to the time, that is worth another schedule. */
const LEAST = 1e-6

function between(space: SearchSpace, fast: Path, safe: Path): Path[] {
  const slope = (safe.ms - fast.ms) / (fast.loss - safe.loss)
  if (!(slope > 0) || !Number.isFinite(slope)) return []
  const middle = best(space, slope)
  const gain = fast.ms + slope * fast.loss - (middle.ms + slope * middle.loss)
  if (gain <= LEAST * safe.ms) return []
  return [...between(space, fast, middle), middle, ...between(space, middle, safe)]
}

/** Milliseconds of everything after the first site. */
export function spentMs({ ms, cutMs }: Costs, shares: Shares): number {
  return shares.reduce((sum, share, site) => {
    const before = shares[site - 1] ?? 1
    return sum + ms(site, share) + (share === before ? 0 : cutMs(site, before))
  }, 0)
}

/** The loss if losses of sites add up. It overestimates where tokens are pruned that would be pruned later anyway. */
export function summedLoss(loss: SiteLoss, shares: Shares): number {
  return shares.reduce((sum, share, site) => {
    const before = shares[site - 1] ?? 1
    return sum + (share === before ? 0 : Math.max(0, loss(site, share) - loss(site, before)))
  }, 0)
}

/** The schedule with the least time + weight · loss; with an infinite weight the fastest of those without loss. */
function best(space: SearchSpace, weight: number): Path {
  const { sites, ms, cutMs, loss, leastRatio = 0 } = space
  const levels = [...space.levels].sort((a, b) => b - a)
  const price = (lost: number): number => (lost === 0 ? 0 : weight * lost)
  interface State extends Path {
    readonly price: number
  }
  let states = new Map<number, State>([[1, { shares: [], ms: 0, loss: 0, price: 0 }]])
  for (let site = 0; site < sites; site++) {
    const next = new Map<number, State>()
    for (const [before, state] of states) {
      for (const share of levels) {
        if (share > before || share < leastRatio * before) continue
        const lost = share === before ? 0 : Math.max(0, loss(site, share) - loss(site, before))
        const spent = ms(site, share) + (share === before ? 0 : cutMs(site, before))
        const own = {
          shares: [...state.shares, share],
          ms: state.ms + spent,
          loss: state.loss + lost,
          price: state.price + spent + price(lost),
        }
        const other = next.get(share)
        if (other === undefined || own.price < other.price) next.set(share, own)
      }
    }
    states = next
  }
  const found = [...states.values()].reduce((one, other) => (other.price < one.price ? other : one))
  return { shares: found.shares, ms: found.ms, loss: found.loss }
}

import {
  type Amount,
  cast,
  checkOptions,
  div,
  gather,
  greater,
  type Learned,
  type Method,
  maximum,
  minimum,
  mul,
  type NoOptions,
  ranks,
  receivedFromOthers,
  type Schedule,
  type SoftSite,
  scorer,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'

/**
 * Drops the tokens that receive least attention from others; how many are kept is learned for each layer.
 *
 *   s_j = (1/n) Σ_{i≠j} mean over heads of A_ij, over the n attended query rows i                 [B,H,N,N] → [B,N]
 *   learning: the state of the token of rank k is multiplied by W_k, 0 ≤ W_k ≤ 1;             W [T]
 *             loss + layer/layers · mean over an example's tokens of its W_k, layers from 1
 *   afterwards: ⌊Σ_k W_k⌋ tokens are kept, at most as many as at the layer before
 *
 * PoWER-BERT (Goyal et al., ICML 2020, arXiv:2001.08950). Protected tokens rank first and are not multiplied, where its class
 * token is ranked with the others while it learns. Padding neither counts nor has a rank: where examples are shorter than
 * T, as many tokens are kept of all of them together as their W_k add up to.
 *
 * Differs from the published code: padding queries count there in the column sums and are ranked, and its mask is cut to the
 * first ℓ entries; here the mask is pruned with its tokens. Its regularizer grows with the longest text; here it is the mean
 * over an example's tokens.
 */
export function powerBert(options: NoOptions = {}): Method {
  checkOptions('power-bert', {}, options)
  return scorer({
    name: 'power-bert',
    family: 'gradient',
    paper: {
      title: 'PoWER-BERT: Accelerating BERT Inference via Progressive Word-vector Elimination',
      arxiv: '2001.08950',
    },
    score: receivedFromOthers,
    training: {
      params: { retention: { dims: ['T'], init: 1, rate: 3, range: [0, 1] } },
      soften(site) {
        const retained = site.obey(atRanks(site, site.param.retention as Tensor))
        const share = div(sum(retained, 1), site.count)
        return {
          kept: shareOfBefore(retained, site.kept),
          hidden: mul(site.hidden, unsqueeze(retained, 2)),
          losses: { regulariser: mul(share, (site.layer + 1) / site.layerCount) },
        }
      },
      harden: lengthsOf,
    },
  })
}

/** weights [T] → [B,N]: each token's, by its rank; ranks from T on have the last one. */
function atRanks(site: SoftSite, weights: Tensor): Tensor {
  const score = where(site.protectedTokens, FIRST, receivedFromOthers(site))
  const last = (weights.dims[0] as number) - 1
  return gather(weights, cast(minimum(ranks(site, score, site.attended), last), 'int64'), 0)
}

/** Higher than any score. */
const FIRST = 1e30

/** Where two layers keep different parts of a token, the lesser counts, as with two lengths, and not their product. */
function shareOfBefore(retained: Tensor, before: Tensor): Tensor {
  return where(greater(retained, before), 1, div(retained, maximum(before, 1e-6)))
}

/** The lengths ℓ at which Σ min(ℓ, n) over the examples' lengths n is Σ of their weights: Σ W, where all have T tokens. */
function lengthsOf(
  learned: ReadonlyMap<number, Learned>,
  { lengths = [] }: { readonly lengths?: readonly number[] | undefined } = {},
): Schedule {
  const schedule = new Map<number, Amount>()
  let most = Number.POSITIVE_INFINITY
  for (const [layer, { retention }] of [...learned].sort(([a], [b]) => a - b)) {
    const weights = Array.from(retention?.data ?? [])
    const reaching = weights.map((_, rank) => (lengths.length === 0 ? 1 : countAbove(rank, lengths)))
    let mass = weights.reduce((total, weight, rank) => total + weight * (reaching[rank] as number), 0)
    let length = 0
    for (const rows of reaching) {
      if (mass < rows || rows === 0) break
      mass -= rows
      length++
    }
    most = Math.min(most, Math.max(1, length))
    schedule.set(layer, { kind: 'tokens', value: most })
  }
  return schedule
}

function countAbove(rank: number, lengths: readonly number[]): number {
  return lengths.reduce((count, length) => (length > rank ? count + 1 : count), 0)
}

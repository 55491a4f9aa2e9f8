import {
  cast,
  checkOptions,
  div,
  equal,
  gatherElements,
  greaterOrEqual,
  matmul,
  maximum,
  mean,
  mul,
  not,
  type OptionSpecs,
  receivedFromOthers,
  type Scorer,
  type Site,
  scorer,
  squeeze,
  sum,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { evenlySpacedRows } from './evenly-spaced-rows.ts'

export interface ReceivedAttentionOptions {
  /** Whether a token's attention to itself counts. Default true. */
  readonly diagonal?: boolean
  /** Look at this many query rows only, evenly spaced over the attended tokens. Default: all. */
  readonly queries?: number
}

export const queriesOption: OptionSpecs[string] = {
  type: 'integer',
  min: 1,
  description:
    'look at this many evenly spaced query rows only, recomputed, so that attention remains fusable (default: all)',
}

export const receivedAttentionOptions: OptionSpecs = {
  diagonal: { type: 'boolean', default: true, description: "count a token's attention to itself" },
  queries: queriesOption,
}

/**
 * Keeps the tokens that receive most attention.
 *
 *   score_j = (1/n) Σ_i mean over heads of A_ij, over the n attended query rows i          [B,H,N,N] → [B,N]
 *
 * The scores of an example's tokens add up to 1. With the diagonal: LTP's score (Kim et al., KDD 2022, arXiv:2107.00910) and
 * the order of Length-Adaptive Transformer (Kim & Cho, ACL 2021, arXiv:2010.07003). Without (i ≠ j): the order of
 * PoWER-BERT (Goyal et al., ICML 2020, arXiv:2001.08950). Those divide by the padded length or count padding queries;
 * here padding changes nothing (see docs/deviations.md).
 *
 * With `queries` Q the rows are i·n div Q for i < Q, each counted once; Q ≥ n looks at all.
 *
 * In a causal encoder a token is seen by itself and later ones only: its sum is divided by their number, since early tokens
 * would be preferred otherwise. With `queries` the rows are counted from the end, so that the last one is among them.
 *
 * Differs from kvpress's observed attention, which belongs to a decoder: there token j is seen by the n − j queries that
 * follow, and its sum is divided by their number, in each group of heads separately; theirs is ours · n/(n − j).
 */
export function receivedAttention(options: ReceivedAttentionOptions = {}): Scorer {
  checkOptions('received-attention', receivedAttentionOptions, options)
  return scorer({
    name: 'received-attention',
    family: 'attention',
    paper: { title: 'Learned Token Pruning for Transformers', arxiv: '2107.00910' },
    score: (site) => attentionReceived(site, options),
  })
}

/** [B,N] mean over heads and query rows of the attention to each token. */
export function attentionReceived(site: Site, { diagonal = true, queries }: ReceivedAttentionOptions): Tensor {
  if (queries !== undefined) return fromSomeRows(site, queries, diagonal)
  return diagonal ? site.received : receivedFromOthers(site)
}

function fromSomeRows(site: Site, queries: number, diagonal: boolean): Tensor {
  const { rows, weight } = evenlySpacedRows(site, queries)
  const attention = site.attentionFrom(rows) // [B,H,Q,N]
  if (diagonal && !site.isCausal) return mean(squeeze(matmul(unsqueeze(weight, [1, 2]), attention), 2), 1)
  const rowPosition = unsqueeze(gatherElements(site.position, rows, 1), 2)
  const position = unsqueeze(site.position, 1)
  const isOther = diagonal ? undefined : cast(not(equal(rowPosition, position)), 'float32')
  const share = unsqueeze(weight, 2) // [B,Q,1]
  const received = sum(mul(mean(attention, 1), isOther === undefined ? share : mul(share, isOther)), 1)
  if (!site.isCausal) return received
  const seeing = sum(mul(share, cast(greaterOrEqual(rowPosition, position), 'float32')), 1)
  return div(received, maximum(seeing, LIGHTEST))
}

/** Weight of the rows that see a token, to divide by where it is padding, which none sees. */
const LIGHTEST = 1e-6

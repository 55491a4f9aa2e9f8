import {
  type Amount,
  add,
  and,
  cast,
  checkOptions,
  div,
  equal,
  floor,
  greater,
  greaterOrEqual,
  type Learned,
  less,
  log,
  type Method,
  maskedSoftmax,
  matmul,
  maximum,
  mean,
  minimum,
  mostSimilar,
  mul,
  nearestKept,
  not,
  type OptionSpecs,
  ranks,
  type Schedule,
  type Softened,
  type SoftSite,
  squeeze,
  stopGradient,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { chosenCount, countChoice } from './count-choice.ts'
import { prunedCount } from './counts.ts'

export interface DiffrateOptions {
  /**
   * Of the tokens that a layer prunes, the fraction to drop, the least important ones; the others are merged. Where none was
   * learned; default 0.5.
   */
  readonly pruned?: number | undefined
}

export const diffrateOptions: OptionSpecs = {
  pruned: {
    description:
      'of the tokens that a layer prunes, the fraction to drop where none was learned; the others are merged',
    type: 'number',
    min: 0,
    max: 1,
    default: 0.5,
  },
}

/**
 * Sorts tokens by how much the class token attends to them, drops the last, and merges the next into the most similar
 * kept ones.
 *
 *   score_j = mean over heads of softmax(q_cls · Kᵀ / √Dh)_j                                [B,H,N] → [B,N]
 *   a merged token joins the kept one with the largest cosine of the states           [B,N,D]
 *   merged = mean of all that are in it;   size = own size + Σ size_i · cosine_i            [B,K]
 *   learning: two choices between the numbers T … 1 for each layer, of tokens that are not dropped, and of those that
 *             are not merged either; ⌈Σ number · softmax(logits)⌉ of them, as hard masks with soft gradients
 *
 * The logarithm of the size is added to all later scores of its key. Needs a class token. DiffRate (Chen et al., ICCV 2023,
 * arXiv:2305.17997). While it learns, a pruned token is not a key of itself either, and sizes are those of its inference.
 *
 * Differs from the published code: sizes fall below 1 in both (a negative cosine reduces a size), here to 1e-6, where theirs
 * would become NaN at 0. While it learns, theirs raises sizes to 1, lets pruned tokens attend to themselves and adds 1e-6 to
 * every key; its numbers do not count the class token, ours count all tokens.
 */
export function diffrate(options: DiffrateOptions = {}): Method {
  checkOptions('diffrate', diffrateOptions, options)
  const { pruned = 0.5 } = options
  const logits = { dims: ['T'], init: 0, rate: 10 } as const
  return Object.freeze<Method>({
    name: 'diffrate',
    family: 'hybrid',
    paper: {
      title: 'DiffRate: Differentiable Compression Rate for Efficient Vision Transformers',
      arxiv: '2305.17997',
    },
    params: { prune: { ...logits, optional: true } },
    reduce(site) {
      const { attended, budget, size, param, count } = site
      if (budget === undefined) return { keep: attended }
      const many = prunedCount('diffrate', site)
      const score = mean(site.clsAttention, 1)
      const keep = budget.select(score)
      const { nearest, similarity } = nearestKept(site, keep, site.hidden)
      const dropped = and(attended, not(keep))
      // of the pruned tokens the first are merged
      const merged =
        param.prune === undefined
          ? sub(many, floor(add(mul(many, pruned), 0.5)))
          : sub(countChoice(param.prune).count, sub(unsqueeze(count, 1), many))
      const isMerged = less(ranks(site, score, dropped), merged)
      return {
        keep,
        into: where(isMerged, nearest, -1),
        weight: cast(attended, 'float32'),
        mass: where(keep, size, mul(size, similarity)),
        proportional: true,
      }
    },
    training: { params: { prune: logits, merge: logits }, soften, harden },
  })
}

function soften(site: SoftSite): Softened {
  const { kept: before, attended, protectedTokens, hidden, index, carried, param } = site
  const size = carried.size ?? site.size
  const [prune, merge] = [countChoice(param.prune as Tensor), countChoice(param.merge as Tensor)]
  const there = greater(before, 0.5)
  const rank = ranks(site, where(protectedTokens, FIRST, mean(site.clsAttention, 1)), there)
  const last = sum(cast(there, 'float32'), 1, { keepDims: true })
  const middle = minimum(last, stopGradient(prune.count))
  const masks = mul(prune.mask(rank, last), merge.mask(rank, middle))
  const now = site.obey(mul(carried.mask ?? cast(attended, 'float32'), masks))
  const kept = greater(now, 0.5)

  const isMerged = and(and(there, not(kept)), less(rank, middle))
  const { nearest, similarity } = mostSimilar(site, stopGradient(hidden), and(kept, not(protectedTokens)))
  const target = where(and(isMerged, greaterOrEqual(similarity, -1.5)), nearest, -1)
  const hits = cast(equal(unsqueeze(target, 1), unsqueeze(index, 2)), 'float32') // [B,token,part]
  const parts = (x: Tensor): Tensor => matmul(hits, x)
  const sizes = maximum(add(size, squeeze(parts(unsqueeze(mul(size, similarity), 2)), [2])), 1e-6)
  const logSize = unsqueeze(log(sizes), [1, 2])
  return {
    kept: div(counted(kept, protectedTokens, add(prune.expected, merge.expected)), maximum(before, 0.5)),
    hidden: div(add(hidden, parts(hidden)), add(sum(hits, 2, { keepDims: true }), 1)),
    attend: (scores) => maskedSoftmax(add(scores, logSize), now),
    carry: { size: sizes, mask: now },
  }
}

/** Higher than any score. */
const FIRST = 1e30

/** float [B,N]: which tokens are kept, in sum with the gradient of the numbers that are expected to (a straight-through minimum). */
function counted(kept: Tensor, protectedTokens: Tensor, expected: Tensor): Tensor {
  const free = cast(and(kept, not(protectedTokens)), 'float32')
  const change = sub(expected, stopGradient(expected))
  return add(cast(kept, 'float32'), mul(free, div(change, maximum(sum(free, 1, { keepDims: true }), 1))))
}

function harden(learned: ReadonlyMap<number, Learned>): Schedule {
  const schedule = new Map<number, Amount>()
  let most = Number.POSITIVE_INFINITY
  for (const [layer, { prune, merge }] of [...learned].sort(([a], [b]) => a - b)) {
    most = Math.min(most, chosenCount(prune?.data ?? []), chosenCount(merge?.data ?? []))
    schedule.set(layer, { kind: 'tokens', value: most })
  }
  return schedule
}

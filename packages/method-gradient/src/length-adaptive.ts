import {
  add,
  cast,
  checkOptions,
  div,
  floor,
  greater,
  less,
  type Method,
  mul,
  type OptionSpecs,
  ranks,
  receivedFrom,
  round,
  type SoftSite,
  scorer,
  softmaxOfKept,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'

export interface LengthAdaptiveOptions {
  /** The least share of its tokens that a layer keeps while the encoder learns (default 0.8). */
  readonly lowest?: number | undefined
  /** How often an example is seen in a step: with all tokens, with the fewest, and between (default 3). */
  readonly copies?: number | undefined
}

export const lengthAdaptiveOptions: OptionSpecs = {
  lowest: {
    description: 'the least share of its tokens that a layer keeps while the encoder learns',
    type: 'number',
    min: 0.05,
    max: 1,
    default: 0.8,
  },
  copies: {
    description: 'how often an example is seen in a step: with all tokens, with the fewest, and between',
    type: 'integer',
    min: 2,
    max: 16,
    default: 3,
  },
}

/**
 * Drops the tokens that receive least attention, with an encoder that has learned to answer at any lengths: afterwards the
 * lengths are searched for (`searchSchedule` of @tp/train), separately for each budget.
 *
 *   s_j = mean over heads and attended query rows of A_ij                                    [B,H,N,N] → [B,N]
 *   learning: the ⌈r·n⌉ best of n tokens are kept, with a keep ratio r from `lowest` to 1 for each example and layer (LengthDrop);
 *             copies of an example keep all, the fewest, and what chance says (sandwich rule)
 *
 * Length-Adaptive Transformer (Kim & Cho, ACL 2021, arXiv:2010.07003). All copies learn from labels and the dense model, where
 * its smaller ones learn from the largest. Padding queries do not count, and tokens are not restored after the last layer.
 *
 * Differs from the published code: it orders the kept tokens by score, keeps at least two, counts padding queries, and draws
 * one schedule for a batch; here each example has its own. `searchSchedule` varies shares of the tokens instead of lengths.
 */
export function lengthAdaptive(options: LengthAdaptiveOptions = {}): Method {
  checkOptions('length-adaptive', lengthAdaptiveOptions, options)
  const { lowest = 0.8, copies = 3 } = options
  return scorer({
    name: 'length-adaptive',
    family: 'gradient',
    paper: {
      title: 'Length-Adaptive Transformer: Train Once with Length Drop, Use Anytime with Search',
      arxiv: '2010.07003',
    },
    score: (site) => site.received,
    training: {
      copies,
      lowest,
      soften(site) {
        const kept = best(site)
        // Pruned tokens no longer serve as keys, and nothing reads what they still compute.
        return { kept: kept, attend: (scores) => softmaxOfKept(scores, kept) }
      },
    },
  })
}

/** Higher than any score. */
const FIRST = 1e30

/** float [B,N]: 1 for the tokens that would be kept if the tokens pruned so far were really removed. */
function best(site: SoftSite): Tensor {
  const { kept, ratio, protectedTokens } = site
  const rank = ranks(site, where(protectedTokens, FIRST, receivedFrom(site.attention, kept)), greater(kept, 0.5))
  // As amounts by ratio count: in ten-thousandths, rounded up.
  const share = round(mul(unsqueeze(ratio, 1), 10000))
  const amount = floor(div(add(mul(sum(kept, 1, { keepDims: true }), share), 9999), 10000))
  return site.obey(cast(less(rank, amount), 'float32'))
}

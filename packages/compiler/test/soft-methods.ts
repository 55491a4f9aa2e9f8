import {
  add,
  cast,
  div,
  floor,
  greater,
  less,
  type Method,
  mul,
  ranks,
  receivedFrom,
  scorer,
  softmax,
  softmaxOfKept,
  sum,
  type Tensor,
  where,
} from '@tp/core'

/** Leaves everything, and has its hand in everything that a soft form may change. */
export function softNothing(site: NonNullable<Method['site']>): Method {
  return scorer({
    name: 'soft-nothing',
    family: 'baseline',
    site,
    score: (site) => site.index,
    training: {
      soften: (site) => ({
        kept: site.obey(site.kept),
        hidden: mul(site.hidden, 1),
        attend: (scores) => softmax(scores),
        output: (output, input) => add(output, mul(input, 0)),
      }),
    },
  })
}

/** The share of the tokens that receives most attention stays, in the soft form by a mask of zeros and ones. */
export function softMask(keep: number): Method {
  const counted = Math.round(keep * 10000)
  return scorer({
    name: 'soft-mask',
    family: 'baseline',
    score: (site) => site.received,
    training: {
      soften(site) {
        const { kept, protectedTokens } = site
        const rank = ranks(site, where(protectedTokens, 1e30, receivedFrom(site.attention, kept)), greater(kept, 0.5))
        const most = floor(div(add(mul(sum(kept, 1, { keepDims: true }), counted), 9999), 10000))
        const chosen: Tensor = site.obey(cast(less(rank, most), 'float32'))
        return { kept: chosen, attend: (scores) => softmaxOfKept(scores, chosen) }
      },
    },
  })
}

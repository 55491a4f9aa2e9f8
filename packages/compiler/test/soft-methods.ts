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
  softmaxOfLeft,
  sum,
  type Tensor,
  where,
} from '@tp/core'

/** Leaves everything, and has its hand in everything that a soft form may change. */
export function softNothing(place: NonNullable<Method['place']>): Method {
  return scorer({
    name: 'soft-nothing',
    family: 'baseline',
    place,
    score: (site) => site.index,
    training: {
      soften: (site) => ({
        left: site.obey(site.left),
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
        const { left, fixed } = site
        const rank = ranks(site, where(fixed, 1e30, receivedFrom(site.attention, left)), greater(left, 0.5))
        const most = floor(div(add(mul(sum(left, 1, { keepDims: true }), counted), 9999), 10000))
        const chosen: Tensor = site.obey(cast(less(rank, most), 'float32'))
        return { left: chosen, attend: (scores) => softmaxOfLeft(scores, chosen) }
      },
    },
  })
}

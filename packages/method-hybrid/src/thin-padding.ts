import {
  add,
  and,
  axisSize,
  cast,
  checkOptions,
  concat,
  cumSum,
  div,
  equal,
  gatherElements,
  less,
  type Method,
  minimum,
  mul,
  not,
  type OptionSpecs,
  or,
  scatterElements,
  slice,
  sub,
  sum,
  type Tensor,
  where,
} from '@tp/core'

export interface ThinPaddingOptions {
  /** Of this many tokens without a signal one is kept (default 8). */
  readonly every?: number | undefined
  /** So many tokens at the beginning of each run are all kept, at most 1/every of the run (default 32). */
  readonly margin?: number | undefined
}

export const thinPaddingOptions: OptionSpecs = {
  every: { description: 'of this many tokens without a signal one is kept', type: 'integer', default: 8, min: 2 },
  margin: {
    description: 'so many tokens at the beginning of each run are all kept, at most 1/every of the run',
    type: 'integer',
    default: 32,
    min: 0,
  },
}

/**
 * Keeps one of every k tokens that carry no signal, such as the silence that fills a window of speech, and lets it count for k.
 *
 *   i, i+1, …, i+l−1   a run of tokens without a signal: a pause, or the rest of the window
 *   m = min(margin, ⌊l/k⌋)                                                                            the beginning of a run
 *   kept: all others, and of each run its first m, then i+m, i+m+k, i+m+2k, …                         bool [B,N]
 *   size = k of each of these after the first m, fewer of a run's last one; log size is added to all later scores of its key [B,N]
 *
 * Whisper was trained on padded windows, and attends to padding: without it the decoder repeats itself. So the padding is not dropped, but
 * its softmax weight is what it was. A decoder looks for the end of a text where speech ends, so that the beginning of a pause is kept whole;
 * bounded by what is kept of the run, so that small windows are thinned as well. Tokens with a signal are left to another method (`sequence`), which neither counts nor prunes
 * what is kept here. At the input of a layer; by default of the first, so that no layer computes what was thinned. Where all
 * tokens carry a signal nothing is pruned. Ours; no amount is needed.
 */
export function thinPadding(options: ThinPaddingOptions = {}): Method {
  checkOptions('thin-padding', thinPaddingOptions, options)
  const { every = 8, margin = 32 } = options
  return Object.freeze<Method>({
    name: 'thin-padding',
    family: 'hybrid',
    site: 'input',
    unscheduled: true,
    adaptive: true,
    reduce(site) {
      const { budget, attended, protectedTokens } = site
      if (budget === undefined) return { keep: attended }
      const { signal, size } = site
      const isQuiet = and(and(attended, not(signal)), not(protectedTokens))
      const { ordinal, left } = inItsRun(isQuiet, attended)
      const near = minimum(div(add(ordinal, left), every), margin)
      const beyond = sub(ordinal, near)
      const isNear = less(ordinal, near)
      const isFirst = and(isQuiet, or(isNear, equal(mul(div(beyond, every), every), beyond)))
      const standsFor = where(isNear, 1, cast(minimum(left, every), 'float32'))
      return {
        keep: or(not(isQuiet), isFirst),
        // Tokens thinned at an earlier layer are set aside by now, and count for as much as they did.
        mass: where(isFirst, standsFor, size),
        proportional: true,
        aside: isFirst,
      }
    },
  })
}

/**
 * For a token in a run of `isQuiet`, bool [B,N], among those that are `attended`: how many of the run come before it, and how
 * many remain with it. int32 [B,N]; of other tokens there is no telling.
 *
 * With positions counted over attended tokens, the loud one number r, from 1, is at e_r; e_0 = −1, and after the last one e is the number
 * of all. A running maximum of the loud positions, which ONNX does not have, is e at the number of loud tokens so far.
 */
function inItsRun(isQuiet: Tensor, attended: Tensor): { readonly ordinal: Tensor; readonly left: Tensor } {
  const isLoud = and(attended, not(isQuiet))
  const loud = cast(isLoud, 'int32')
  const one = cast(attended, 'int32')
  const none = mul(one, 0)
  const position = sub(cumSum(one, 1), 1)
  const before = cumSum(loud, 1)
  const start = sub(slice(none, { axis: 1, start: 0, end: 1 }), 1)
  const blank = concat([start, add(concat([none, none], 1), sum(one, 1, { keepDims: true }))], 1)
  // The others write behind these, each where no other does.
  const apart = add(cumSum(add(none, 1), 1), cast(axisSize(one, 1), 'int32'))
  const ends = scatterElements(blank, where(isLoud, before, apart), position, { axis: 1 })
  const last = gatherElements(ends, before, 1)
  const next = gatherElements(ends, add(before, 1), 1)
  return { ordinal: sub(sub(position, last), 1), left: sub(next, position) }
}

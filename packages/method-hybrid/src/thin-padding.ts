import {
  and,
  cast,
  checkOptions,
  cumSum,
  div,
  equal,
  type Method,
  minimum,
  mul,
  not,
  type OptionSpecs,
  or,
  sub,
  sum,
  where,
} from '@tp/core'

export interface ThinPaddingOptions {
  /** Of this many tokens without a signal one is kept (default 16). */
  readonly every?: number | undefined
}

export const thinPaddingOptions: OptionSpecs = {
  every: { description: 'of this many tokens without a signal one is kept', type: 'integer', default: 16, min: 2 },
}

/**
 * Keeps one of every k tokens that carry no signal, such as the silence that fills a window of speech, and lets it count for k.
 *
 *   i_1, i_2, …  the tokens without a signal, in their order
 *   kept: all others, and i_1, i_(1+k), i_(1+2k), …                                                  bool [B,N]
 *   size = k of each of these, fewer of the last one; log size is added to all later scores of its key     [B,N]
 *
 * Whisper was trained on padded windows, and attends to padding: without it the decoder repeats itself. So the padding is not dropped, but
 * its softmax weight is what it was. Tokens with a signal are left to another method (`sequence`), which neither counts nor prunes
 * what is kept here. At the input of a layer; by default of the first, so that no layer computes what was thinned. Where all
 * tokens carry a signal nothing is pruned. Ours; no amount is needed.
 */
export function thinPadding(options: ThinPaddingOptions = {}): Method {
  checkOptions('thin-padding', thinPaddingOptions, options)
  const { every = 16 } = options
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
      const quiet = cast(isQuiet, 'int32')
      const ordinal = sub(cumSum(quiet, 1), 1) // 0, 1, 2, … of the tokens without a signal
      const isFirst = and(isQuiet, equal(mul(div(ordinal, every), every), ordinal))
      const left = sub(sum(quiet, 1, { keepDims: true }), ordinal)
      return {
        keep: or(not(isQuiet), isFirst),
        // What was thinned at an earlier layer is set aside by now, and counts for as much as it did.
        mass: where(isFirst, cast(minimum(left, every), 'float32'), size),
        proportional: true,
        aside: isFirst,
      }
    },
  })
}

import {
  add,
  and,
  axisSize,
  cast,
  concat,
  cumSum,
  gatherElements,
  gatherND,
  greater,
  maximum,
  mean,
  mul,
  not,
  or,
  type Site,
  scatterElements,
  sub,
  sum,
  type Tensor,
  unitVectors,
  unsqueeze,
  where,
} from '@tp/core'

/** Runs of neighbors, each of which may become one token. */
interface Runs {
  /** float [B,N] from 0: how far each token is from the one before it, as 1 − cosine; far beyond for those that cannot join it */
  readonly distance: Tensor
  /** For the tokens that are kept, bool [B,N]: index of the last of them up to each token, float [B,N] */
  startsAt(keep: Tensor): Tensor
}

type RunsSite = Pick<Site, 'key' | 'index' | 'attended' | 'protectedTokens'>

/** By the mean of the keys over heads. Protected tokens have no part, and the token after one begins a run. */
export function runsOfNeighbors({ key, index, attended, protectedTokens }: RunsSite): Runs {
  const free = and(attended, not(protectedTokens))
  const tokens = numbered(attended, index)
  const previous = cast(tokens.indexOf(maximum(sub(tokens.upTo, 1), 0)), 'int64') // [B,N]
  const unit = unitVectors(mean(key, 1)) // [B,N,Dh]
  const cosine = sum(mul(unit, gatherND(unit, unsqueeze(previous, 2), 1)), 2)
  const isAfterFree = and(greater(tokens.upTo, 0), greater(gatherElements(cast(free, 'float32'), previous, 1), 0))
  return {
    distance: where(and(free, isAfterFree), sub(1, cosine), FAR),
    startsAt(keep) {
      const starts = numbered(and(attended, or(keep, protectedTokens)), index)
      return starts.indexOf(maximum(starts.upTo, 0))
    },
  }
}

/**
 * The marked tokens of `marks`, bool [B,N], by their numbers from 0. For each token `upTo`, int32 [B,N]: the number of the last
 * marked one up to it, −1 where there is none. A running maximum would say its index, which ONNX does not have: each marked
 * one writes its index at its number.
 */
function numbered(marks: Tensor, index: Tensor): { readonly upTo: Tensor; indexOf(number: Tensor): Tensor } {
  const upTo = sub(cumSum(cast(marks, 'int32'), 1), 1)
  const none = mul(index, 0)
  // The others write behind these, each where no other does.
  const unused = add(cumSum(add(mul(upTo, 0), 1), 1), sub(cast(axisSize(index, 1), 'int32'), 1))
  const table = scatterElements(concat([none, none], 1), where(marks, upTo, unused), index, { axis: 1 })
  return { upTo, indexOf: (number) => gatherElements(table, number, 1) }
}

/** Farther than any token is from another. */
const FAR = 10

import {
  add,
  and,
  argMax,
  div,
  floor,
  greater,
  type Method,
  matmul,
  max,
  mean,
  mul,
  norm2,
  not,
  random,
  sub,
  swapLast,
  unsqueeze,
  where,
} from '@tp/core'
import { clsAttention, keyNorm, receivedAttention, valueWeighted } from '@tp/method-attention'

/** Methods that need no probabilities: attention stays one operator under them. */
export const withoutProbabilities: readonly (readonly [string, Method])[] = [
  ['key norms', keyNorm()],
  ['value norms and the row of the class token', valueWeighted()],
  ['the row of the class token', clsAttention()],
  ['some rows', receivedAttention({ queries: 5 })],
  ['similarity of keys, with sizes in the attention behind', merging()],
  ['nothing', random({ seed: 1 })],
]

/** Merges tokens at even places into the most similar ones at odd places. */
export function merging(): Method {
  return {
    name: 'merging',
    family: 'hybrid',
    reduces: 'pair',
    signed: true,
    reduce({ budget, attended, protectedTokens, ordinal, key }) {
      if (budget === undefined) return { keep: attended }
      const isOdd = greater(sub(ordinal, mul(floor(div(ordinal, 2)), 2)), 0.5)
      const free = and(attended, not(protectedTokens))
      const metric = mean(key, 1)
      const unit = div(metric, norm2(metric, 2, { keepDims: true }))
      const cosines = matmul(unit, swapLast(unit))
      const likeness = add(cosines, where(unsqueeze(and(free, isOdd), 1), 0, -4))
      const distance = where(and(free, not(isOdd)), sub(1, max(likeness, 2)), 10)
      return { keep: budget.select(distance), into: argMax(likeness, 2), proportional: true }
    },
  }
}
